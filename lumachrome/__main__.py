"""The command line; `python -m lumachrome` is the same.

lumachrome colorize PHOTO|FOLDER|ZIP|-... -o OUT
lumachrome video VIDEO OUT
lumachrome archive SOURCE TARGET
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lumachrome import limits, streams
from lumachrome.errors import AdjustmentError, UserError, counted

LEFT_OUT = 3  # the exit code of an archive that is finished, but for some photos


def main(arguments: Sequence[str] | None = None) -> int:
    streams.keep_descriptors()
    out, err = streams.Listener(sys.stdout), streams.Listener(sys.stderr)
    try:
        options = _parser().parse_args(arguments)
        to_standard_output = getattr(options, 'out', None) == streams.NAME
        return options.run(options, err if to_standard_output else out, err)
    except UserError as error:
        err.say(error)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        out.flush()  # of what argparse has printed


def colorize(options: argparse.Namespace, out: streams.Listener, err: streams.Listener) -> int:
    """Colour photos, folders and ZIPs; 1 if any of them was left gray."""
    from tqdm import tqdm

    from lumachrome import ahead, album, decoding
    from lumachrome.consistent import Consistent

    decoding.start()  # while the network is read
    colorizer = _colorizer(options)
    found = album.tasks(options.photos, options.out, err.say)
    sources = [task.source for task in found if isinstance(task.source, Path)]
    outcomes = album.colorize(
        found,
        Consistent(colorizer) if options.consistent else colorizer,
        streams.Output() if options.out == streams.NAME else album.Folder(options.force, sources),
        _adjustments(options),
        _hints(options.hints or [], found),
        all_pages=options.all_pages,
        at_a_time=1 if options.consistent else ahead.PHOTOS,
    )
    done, failed = [], []
    for outcome in tqdm(outcomes, total=len(found), unit='photo', file=err, disable=len(found) == 1):
        (failed if outcome.error else done).append(outcome)
        if outcome.note:
            tqdm.write(outcome.note, file=err)
    if done:
        where = done[0].target if len(found) == 1 else options.out
        where = 'standard output' if options.out == streams.NAME else where
        out.say(f'{counted(len(done), "photo")} coloured with {colorizer.name} on {colorizer.provider}: {where}')
    there = sum(outcome.there for outcome in failed)
    for outcome in failed:
        if there == 1 or not outcome.there:
            err.say(outcome.error)
    if there > 1:  # as where a run goes on that was stopped
        err.say(f'{there} results are there already: use --force to replace them.')
    if failed and len(found) > 1:
        err.say(f'{len(failed)} of {len(found)} photos were not coloured.')
    return 1 if failed else 0


def archive(options: argparse.Namespace, out: streams.Listener, err: streams.Listener) -> int:
    """Colour an archive; `LEFT_OUT` if any photo of it was left gray."""
    from lumachrome.archive import Archive, Job, Processes, RayActors

    on_ray = options.ray or options.address
    if options.gpus and not on_ray:
        raise UserError('--gpus is for workers on Ray: give --ray or --address as well.')
    network = options.model, _providers(options), _adjustments(options)
    job = Job(options.source, options.target, *network, options.consistent)
    whole = Archive(job, err.say, options.retry)
    if options.dry_run:
        out.say(whole.estimate().told(options.workers or limits.cores()))
        return 0
    if on_ray:
        crew = RayActors(whole.job, options.workers, options.address, options.gpus)
    else:
        crew = Processes(whole.job, options.workers or limits.cores())
    try:
        totals = whole.run(crew, err)
    except KeyboardInterrupt:
        err.say('Stopped: the same command goes on.')
        raise
    finally:
        crew.stop()
    out.say(f'{counted(totals.colored, "photo")} of the archive coloured: {options.target}/summary.html')
    if totals.failed:
        verb = 'was' if totals.failed == 1 else 'were'
        err.say(f'{totals.failed:,} {verb} not; {options.target}/report.parquet says why. --retry tries again.')
    return LEFT_OUT if totals.failed else 0


def video(options: argparse.Namespace, out: streams.Listener, err: streams.Listener) -> int:
    """Colour a video, or list its scenes."""
    from tqdm import tqdm

    from lumachrome import hints, video

    bars: dict[str, tqdm[Any]] = {}
    notes: Sequence[str] = ()

    def progress(what: str, done: int, total: int) -> None:
        if what not in bars:
            for earlier in bars.values():
                earlier.close()
            # What an earlier run has done is no measure of how fast this one is
            bars[what] = tqdm(desc=what, initial=done, total=total, unit='frame', file=err)
        bars[what].total = total
        bars[what].update(done - bars[what].n)

    try:
        if options.out.lower().endswith('.json'):
            if options.scenes:
                raise UserError(f'{options.out} lists the scenes, and --scenes needs such a list: name a video.')
            count = video.list_scenes(options.video, options.out, options.force, progress)
            said = f'{counted(count, "scene")}: {options.out}'
        else:
            adjustments = _adjustments(options)
            if options.hints:
                given = [hint for path in options.hints for hint in hints.read(path).hints]
                adjustments = dataclasses.replace(adjustments, hints=given)
            colorizer = _colorizer(options)
            outcome = video.colorize(
                options.video,
                options.out,
                colorizer,
                adjustments,
                options.scenes,
                options.fast,
                options.consistent,
                options.force,
                progress,
            )
            counts = f'{counted(outcome.frames, "frame")} in {counted(outcome.scenes, "scene")}'
            said = f'{counts} coloured with {colorizer.name} on {colorizer.provider}: {options.out}'
            notes = outcome.notes
    except KeyboardInterrupt:
        notes = ['Stopped. What is done is kept: the same command goes on from there.']
        raise
    finally:
        for bar in bars.values():
            bar.close()
        for note in notes:  # under the bars
            err.say(note)
    out.say(said)
    return 0


def _colorizer(options: argparse.Namespace) -> Any:
    """The network that the options name, where they say."""
    from lumachrome.colorizer import Colorizer

    return Colorizer(options.model, _providers(options))


def _providers(options: argparse.Namespace) -> tuple[str] | None:
    from lumachrome.session import CPU, CUDA

    return ({'cpu': CPU, 'cuda': CUDA}[options.provider],) if options.provider else None


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

    parser = argparse.ArgumentParser(prog='lumachrome', description='Colour black-and-white photos and videos.')
    commands = parser.add_subparsers(required=True, metavar='colorize | video | archive')
    names = ', '.join(models()) or 'none is there yet'
    command = commands.add_parser(
        'colorize',
        help='colour photos, folders and ZIPs',
        description='Colour photos, and all photos in folders and ZIPs. Names, folders, format and metadata stay.',
    )
    command.set_defaults(run=colorize)
    command.add_argument(
        'photos', nargs='+', type=_name, metavar='PHOTO|FOLDER|ZIP', help='- is a photo on standard input'
    )
    command.add_argument(
        '-o',
        '--out',
        required=True,
        type=_name,
        help='folder for the results; for one photo also a file name, or - for standard output',
    )
    _add_network(command, names)
    _add_results(command)
    command.add_argument('--all-pages', action='store_true', help='all pages of a TIFF file, not the first alone')

    command = commands.add_parser(
        'video',
        help='colour a video',
        description='Colour a video, scene by scene, without flicker. Sound, subtitles and times stay. Stopped at any '
        'moment, the same command goes on where it was. Needs lumachrome[video].',
    )
    command.set_defaults(run=video)
    command.add_argument('video', type=_name, metavar='VIDEO')
    command.add_argument(
        'out', type=_name, metavar='OUT', help='the result, such as film.mp4; or a .json, to list scenes for --scenes'
    )
    command.add_argument(
        '--scenes', type=_name, metavar='FILE', help='hints and adjustments for single scenes, as OUT.json has them'
    )
    command.add_argument('--fast', action='store_true', help='the network looks at every fourth frame only')
    _add_network(command, names)
    _add_results(command)

    command = commands.add_parser(
        'archive',
        help='colour archives of any size; killed, the same command goes on',
        description='Colour all photos and tar shards of an archive, with many workers. A report and a page to look at '
        f'come with the results. It ends with {LEFT_OUT} if photos were left gray, and 1 if it could not go on.',
    )
    command.set_defaults(run=archive)
    command.add_argument(
        'source', type=_name, metavar='SOURCE', help='a folder or a .tar, also as an address: s3://bucket/scans'
    )
    command.add_argument(
        'target', type=_name, metavar='TARGET', help='a new folder for results, or that of a run to go on with'
    )
    _add_network(command, names)
    _add_consistent(command, ', within a shard, and within some dozen photos that follow each other')
    command.add_argument('--workers', type=_count, metavar='N', help=f'by default one a core: {limits.cores()} here')
    command.add_argument('--retry', action='store_true', help='try again what an earlier run could not colour')
    command.add_argument('--dry-run', action='store_true', help='tell how long it will take, and write nothing')
    command.add_argument('--ray', action='store_true', help='use Ray on this machine')
    command.add_argument('--address', metavar='ADDRESS', help='use the Ray cluster there; auto: the one that runs here')
    command.add_argument(
        '--gpus', type=_share, default=0.0, metavar='SHARE', help='the share of a GPU that a worker on Ray takes'
    )
    return parser


def _name(text: str) -> str:
    """A name that is not empty, as that of a shell's unset variable: it would be the current folder, or no option."""
    if not text:
        raise argparse.ArgumentTypeError('the name is empty; "." is the current folder.')
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'{text} is no number of workers.')
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f'{text} is no share of a GPU: a number from 0 to 1.')
    return share


def _add_network(command: argparse.ArgumentParser, names: str) -> None:
    """The options that say which network runs where, and how its colors are adjusted."""
    command.add_argument('--model', type=_name, metavar='MODEL', help=f'a name ({names}) or an .onnx file')
    _add_adjustments(command)
    command.add_argument('--provider', choices=('cpu', 'cuda'), help='by default CUDA where it works, else the CPU')


def _add_results(command: argparse.ArgumentParser) -> None:
    """The options of several pictures together, and of results that are there."""
    _add_consistent(command)
    command.add_argument('--force', action='store_true', help='replace results that are there already')


def _add_consistent(command: argparse.ArgumentParser, within: str = '') -> None:
    text = f'what looks the same gets the same colour each time{within}'
    command.add_argument('--consistent', action='store_true', help=text)


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
            more = {'type': _name, 'metavar': 'PHOTO', 'help': setting.help}
        elif command.prog.endswith('archive'):  # hints are for single photos
            continue
        else:
            more = {
                'type': _name,
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
