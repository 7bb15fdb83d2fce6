"""The command line: `lumachrome colorize PHOTO|FOLDER|ZIP|-... -o OUT`; `python -m lumachrome` is the same."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lumachrome import streams
from lumachrome.errors import AdjustmentError, UserError


def main(arguments: Sequence[str] | None = None) -> int:
    streams.keep_descriptors()
    out, err = streams.Listener(sys.stdout), streams.Listener(sys.stderr)
    try:
        options = _parser().parse_args(arguments)
        return colorize(options, err if options.out == streams.NAME else out, err)
    except UserError as error:
        print(error, file=err)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        out.flush()  # of what argparse has printed


def colorize(options: argparse.Namespace, out: streams.Listener, err: streams.Listener) -> int:
    """Colour photos, folders and ZIPs; 1 if any of them was left gray."""
    from tqdm import tqdm

    from lumachrome import album, decoding
    from lumachrome.colorizer import Colorizer
    from lumachrome.session import CPU, CUDA

    decoding.start()  # while the network is read
    providers = [{'cpu': CPU, 'cuda': CUDA}[options.provider]] if options.provider else None
    colorizer = Colorizer(options.model, providers)
    found = album.tasks(options.photos, options.out, lambda sentence: print(sentence, file=err))
    sources = [task.source for task in found if isinstance(task.source, Path)]
    outcomes = album.colorize(
        found,
        colorizer,
        streams.Output() if options.out == streams.NAME else album.Folder(options.force, sources),
        _adjustments(options),
        _hints(options.hints or [], found),
        all_pages=options.all_pages,
    )
    done, failed = [], []
    for outcome in tqdm(outcomes, total=len(found), unit='photo', file=err, disable=len(found) == 1):
        (failed if outcome.error else done).append(outcome)
        if outcome.note:
            tqdm.write(outcome.note, file=err)
    if done:
        where = done[0].target if len(found) == 1 else options.out
        where = 'standard output' if options.out == streams.NAME else where
        photos = '1 photo' if len(done) == 1 else f'{len(done)} photos'
        print(f'{photos} coloured with {colorizer.name} on {colorizer.provider}: {where}', file=out)
    for outcome in failed:
        print(outcome.error, file=err)
    if failed and len(found) > 1:
        print(f'{len(failed)} of {len(found)} photos were not coloured.', file=err)
    return 1 if failed else 0


def _adjustments(options: argparse.Namespace) -> Any:
    """What the options say of every photo; hints belong to single ones."""
    from lumachrome import photofile
    from lumachrome.adjustments import SETTINGS, Adjustments

    given = {name: getattr(options, name) for name in SETTINGS if name != 'hints'}
    if given['palette']:
        given['palette'] = photofile.read_palette(given['palette'])
    return Adjustments(**given)


def _hints(paths: Sequence[str], found: Sequence[Any]) -> dict[str, Any]:
    """The hints of files, by the name of the task they are for: a single photo's, or those of the photo they name."""
    from lumachrome import album, hints

    files = [hints.read(path) for path in paths]
    if len(found) == 1 and len(files) == 1:
        return {found[0].name: files[0].hints}
    return album.hints_by_name(files, found)


def _parser() -> argparse.ArgumentParser:
    from lumachrome.colorizer import models

    parser = argparse.ArgumentParser(prog='lumachrome', description='Colour black-and-white photos in the shell.')
    commands = parser.add_subparsers(required=True, metavar='colorize')
    command = commands.add_parser(
        'colorize',
        help='colour photos, folders and ZIPs',
        description='Colour photos, and all photos in folders and ZIPs. Names, folders, format and metadata stay.',
    )
    command.add_argument('photos', nargs='+', metavar='PHOTO|FOLDER|ZIP', help='- is a photo on standard input')
    command.add_argument(
        '-o',
        '--out',
        required=True,
        help='folder for the results; for one photo also a file name, or - for standard output',
    )
    names = ', '.join(models()) or 'none is there yet'
    command.add_argument('--model', metavar='MODEL', help=f'a name ({names}) or an .onnx file')
    _add_adjustments(command)
    command.add_argument('--provider', choices=('cpu', 'cuda'), help='by default CUDA where it works, else the CPU')
    command.add_argument('--all-pages', action='store_true', help='all pages of a TIFF file, not the first alone')
    command.add_argument('--force', action='store_true', help='replace results that are there already')
    return parser


def _add_adjustments(command: argparse.ArgumentParser) -> None:
    """An option for each field of `Adjustments`."""
    from lumachrome.adjustments import SETTINGS

    group = command.add_argument_group('adjustments')
    for name, setting in SETTINGS.items():
        flag = '--' + name.replace('_', '-')
        if setting.is_number:
            more: dict[str, Any] = {'type': _number(setting), 'metavar': 'NUMBER'}
            more['help'] = f'{setting.help} A number {setting.range}, by default {setting.default:g}.'
        elif name == 'palette':
            more = {'metavar': 'PHOTO', 'help': setting.help}
        else:
            more = {
                'metavar': 'FILE',
                'action': 'append',
                'help': f'{setting.help} A file that the page saved; again for more.',
            }
        group.add_argument(flag, **more)


def _number(setting: Any) -> Any:
    """A type for argparse."""

    def number(text: str) -> float:
        try:
            return setting.checked(text)
        except AdjustmentError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return number


if __name__ == '__main__':
    sys.exit(main())
