"""The command line.

python -m lumachrome colorize PHOTO|FOLDER|ZIP... -o OUT      colours photos
"""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from lumachrome import adjustments, album, contract
from lumachrome.colorizer import CPU, CUDA, Colorizer, models
from lumachrome.errors import ModelError, PhotoError, ProviderError


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        return colorize(options)
    except (ModelError, ProviderError, PhotoError, adjustments.HintsError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def colorize(options):
    """Colour photos, folders and ZIPs; 1 if any of them was left gray."""
    colorizer = Colorizer(options.model, options.provider and [{'cpu': CPU, 'cuda': CUDA}[options.provider]])
    found = album.tasks(options.photos, options.out)
    hints = adjustments.rows(adjustments.read_hints(options.hints)) if options.hints else None
    if hints and len(found) > 1:
        raise adjustments.HintsError('Hints belong to one photo: name it alone.')
    if hints and not colorizer.takes_hints:
        raise ModelError(f'{colorizer.name} takes no colour hints.')
    outcomes = album.colorize(
        found,
        colorizer,
        album.Folder(options.force, [task.source for task in found if isinstance(task.source, Path)]),
        saturation=options.saturation,
        vividness=options.vividness,
        render_size=options.render_size,
        hints=hints,
    )
    failed = []
    for outcome in tqdm(outcomes, total=len(found), unit='photo', disable=len(found) == 1):
        if outcome.error:
            failed.append(outcome)
        elif outcome.note:
            tqdm.write(outcome.note, file=sys.stderr)
    count = len(found) - len(failed)
    if count:
        where = outcome.target if len(found) == 1 else options.out
        photos = '1 photo' if count == 1 else f'{count} photos'
        print(f'{photos} coloured with {colorizer.name} on {colorizer.provider}: {where}')
    for outcome in failed:
        print(outcome.error, file=sys.stderr)
    if failed and len(found) > 1:
        print(f'{len(failed)} of {len(found)} photos were not coloured.', file=sys.stderr)
    return 1 if failed else 0


def _parser():
    parser = argparse.ArgumentParser(
        prog='python -m lumachrome',
        description='Colour black-and-white photos, on a page in the browser or here in the shell.',
    )
    model = {'metavar': 'MODEL', 'help': f'a name ({", ".join(models()) or "none is there yet"}) or an .onnx file'}
    commands = parser.add_subparsers(dest='command', required=True, metavar='colorize')
    command = commands.add_parser(
        'colorize',
        prog='python -m lumachrome colorize',
        help='colour photos, folders and ZIPs in the shell; without it, the page opens',
        description='Colour photos, and all photos in folders and ZIPs. Names, folders, format and metadata stay.',
    )
    command.add_argument('photos', nargs='+', metavar='PHOTO|FOLDER|ZIP')
    command.add_argument('-o', '--out', required=True, help='folder for the results; for one photo also a file name')
    command.add_argument('--model', **model)
    command.add_argument(
        '--saturation',
        type=_between(*contract.limits(contract.SATURATION)),
        default=1.0,
        metavar='FACTOR',
        help='0 gray to 4; default 1',
    )
    command.add_argument(
        '--vividness',
        type=_between(*contract.limits(contract.VIVIDNESS)),
        metavar='AMOUNT',
        help='0 faithful to 1 vivid, the default; for models that have it',
    )
    command.add_argument(
        '--render-size',
        type=_between(*contract.limits(contract.RENDER_SIZE), or_zero=True),
        default=0,
        metavar='PIXELS',
        help='short side at which the network looks at the photo; 0, the default, is its own',
    )
    command.add_argument('--hints', metavar='FILE', help='colour hints for one photo, a file that the page saved')
    command.add_argument('--provider', choices=('cpu', 'cuda'), help='by default CUDA where it works, else the CPU')
    command.add_argument('--force', action='store_true', help='replace results that are there already')
    return parser


def _between(low, high, or_zero=False):
    """A type for argparse: a number in a range, whole where its ends are."""

    def number(text):
        value = type(low)(text)
        if not (low <= value <= high or (or_zero and value == 0)):
            raise argparse.ArgumentTypeError(f'{text} is not {"0 or " if or_zero else ""}from {low} to {high}')
        return value

    return number


if __name__ == '__main__':
    sys.exit(main())
