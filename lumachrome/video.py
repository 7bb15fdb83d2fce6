"""Videos: pictures colored scene by scene, everything else kept as it came.

A video is gone through twice: once for its scenes, which costs a hundredth, and once for its colors. What is colored
lies in parts beside the target until all of them are there, so that whatever ends a run takes a part of it at most: the
same command goes on. A part is a scene, or some hundred frames of a long one.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lumachrome import contract, flow, scenes
from lumachrome.adjustments import Adjustments
from lumachrome.colorizer import AS_THEY_COME, digest
from lumachrome.consistent import Consistent, Looks
from lumachrome.errors import VideoError, atomic
from lumachrome.hints import Hint
from lumachrome.muxing import assemble, keep
from lumachrome.videofile import Encoder, FFmpegError, Reader, choose, luminance, photo, upright_shape

Array = npt.NDArray[Any]
Progress = Callable[[str, int, int], object]  # what is done, how much of it, and of how much about

PART = 240  # frames
LOOKING, COLORING = 'looking for scenes', 'colouring'  # what `progress` is told is being done
SCENES_BEFORE, SCENES = 'consistent.npz', 'scenes.json'  # in the folder of parts
_OURS = re.compile(rf'\d{{8}}-[0-9a-f]{{12}}\.(part|npz)|{SCENES_BEFORE}|{SCENES}|\..*')  # hidden: unfinished ones
FAST = 4  # of how many frames the network looks at one, where it is to be fast


@dataclass(frozen=True)
class Outcome:
    """What became of a video: how many frames and scenes it has, and what is to be said of it, in sentences."""

    frames: int
    scenes: int
    notes: tuple[str, ...] = ()


@dataclass
class Found:
    """What the first look at a video finds.

    Attributes
    ----------
    times : list of float
        Seconds at which frames are shown.
    firsts : list of int
        Numbers of the frames that begin scenes.
    notes : list of str
        What is to be said of it.
    """

    times: list[float] = field(default_factory=list[float])
    firsts: list[int] = field(default_factory=list[int])
    notes: list[str] = field(default_factory=list[str])

    @property
    def scenes(self) -> list[scenes.Scene]:
        return [scenes.Scene(*ends) for ends in itertools.pairwise([*self.firsts, len(self.times)])]


def list_scenes(source: str | Path, target: str | Path, force: bool = False, progress: Progress | None = None) -> int:
    """Write a video's scenes to a JSON file, for hints and adjustments; how many there are.

    Raises
    ------
    VideoError
        It cannot be read, or the file is there already.
    """
    source, target = Path(source), Path(target)
    _check_target(source, target, force)
    found = _look(source, progress or _silent)
    with _written(target):
        scenes.write(target, source.name, found.scenes, found.times)
    return len(found.firsts)


def colorize(
    source: str | Path,
    target: str | Path,
    colorizer: Looks,
    adjustments: Adjustments = AS_THEY_COME,
    scene_file: str | Path | None = None,
    fast: bool = False,
    consistent: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Color a video.

    Sound and subtitles are copied packet by packet, and each frame keeps its time. What is done is kept in the folder
    `target`.parts until the video is whole: after an interruption, or with other wishes for some scenes, only what is
    missing there is colored.

    Parameters
    ----------
    source, target : str or Path
        The suffix of `target` says in what kind of file.
    colorizer : Colorizer
    adjustments : Adjustments
        For all scenes; its hints are for the first one's first frame.
    scene_file : str or Path, optional
        Hints and adjustments for single scenes: see `lumachrome.scenes`.
    fast : bool
        Whether the network looks at every fourth frame only.
    consistent : bool
        Whether things that come again in another scene keep their colors: see `lumachrome.consistent`.
    force : bool
        Whether a file that is there may be replaced.
    progress : callable, optional
        Is told what is being done, the number of frames done, and of how many about.

    Raises
    ------
    VideoError
        The video cannot be read or written.
    AdjustmentError
        The file of scenes cannot be read.
    ModelError
        The network lacks a setting that was asked for.
    """
    source, target, progress = Path(source), Path(target), progress or _silent
    _check_target(source, target, force)
    colorizer.check(adjustments)
    if scene_file is not None:
        scenes.listed(scene_file)  # before minutes have been spent on a look at the film
    with Reader(source) as reader:
        encoder, notes = choose(reader, target)
    work = target.with_name(f'{target.name}.parts')
    with _written(target):
        _check_work(work)
        work.mkdir(parents=True, exist_ok=True)
        found = _looked_at(source, work, progress)
        wanted = found.scenes
        if scene_file is not None:
            wanted = scenes.read(scene_file, wanted, found.times)
        if adjustments.hints:
            wanted[0].hints[0] = (*adjustments.hints, *wanted[0].hints.get(0, ()))
        for scene in wanted:
            hints = tuple(hint for some in scene.hints.values() for hint in some)
            colorizer.check(dataclasses.replace(scene.adjusted(adjustments), hints=hints))
        parts = list(_parts(wanted, adjustments, f'{encoder} {fast} {consistent} {digest(colorizer.path)}'))
        colorizer = Consistent(colorizer) if consistent else colorizer
        _color(source, work, parts, wanted, colorizer, adjustments, encoder, FAST if fast else 1, progress)
        with Reader(source) as reader:
            notes += found.notes + assemble(reader, target, encoder, [work / part.file for part in parts])
        shutil.rmtree(work)
    return Outcome(len(found.times), len(wanted), tuple(notes))


# Scenes


def _looked_at(source: Path, work: Path, progress: Progress) -> Found:
    """What an earlier run found, or else what a first look finds."""
    path, state = work / SCENES, source.stat()
    mark = [state.st_size, state.st_mtime_ns]
    if path.exists():
        kept = json.loads(path.read_text('utf-8'))
        if kept.pop('mark') == mark:
            return Found(**kept)
        shutil.rmtree(work)  # of another video
        work.mkdir()
    found = _look(source, progress)
    with atomic(path) as temporary:
        temporary.write_text(json.dumps({'mark': mark, **dataclasses.asdict(found)}), 'utf-8')
    return found


def _look(source: Path, progress: Progress) -> Found:
    found = Found()
    with Reader(source) as reader:
        interlaced, size = False, None

        def pictures() -> Iterator[Array]:
            nonlocal interlaced, size
            for frame in reader:
                found.times.append(float(frame.pts * frame.time_base))
                interlaced |= frame.interlaced_frame
                if size is None:  # all others may be of another, and are shown as the first one is
                    scale = flow.SIDE / min(frame.height, frame.width)
                    size = [max(16, round(side * scale)) for side in upright_shape(frame)]
                yield luminance(frame, *size)

        for number, begins in enumerate(flow.cuts(pictures())):
            if begins:
                found.firsts.append(number)
            progress(LOOKING, number + 1, max(reader.count, number + 1))
        if not found.times:
            raise VideoError(f'{source} has no pictures that can be read: it is damaged.')
        seconds = found.times[-1] - found.times[0]
        if reader.damaged:
            found.notes.append(f'{source.name} is damaged in {reader.damaged} places: what could be read was kept.')
        elif reader.seconds - seconds > max(2, 0.05 * reader.seconds):
            found.notes.append(
                f'{source.name} breaks off after {seconds:.0f} of {reader.seconds:.0f} seconds: '
                'what could be read was kept.'
            )
        if interlaced:
            found.notes.append(f'{source.name} is interlaced, and is written frame by frame: deinterlace it before.')
    return found


# Parts


@dataclass(frozen=True)
class _Part:
    """Frames that are colored and kept together; `file` tells them from the same ones with other settings."""

    first: int
    end: int
    scene: int
    file: str


def _parts(wanted: Iterable[scenes.Scene], adjustments: Adjustments, settings: str) -> Iterator[_Part]:
    for number, scene in enumerate(wanted):
        mark = hashlib.sha256(f'{scene} {scene.adjusted(adjustments)} {settings}'.encode()).hexdigest()[:12]
        for first in range(scene.first, scene.end, PART):
            yield _Part(first, min(first + PART, scene.end), number, f'{first:08}-{mark}.part')


def _color(
    source: Path,
    work: Path,
    parts: list[_Part],
    wanted: list[scenes.Scene],
    colorizer: Looks,
    adjustments: Adjustments,
    encoder: Encoder,
    every: int,
    progress: Progress,
) -> None:
    """Color the parts that are not there yet."""
    total = parts[-1].end
    missing = [part for part in parts if not (work / part.file).exists()]
    done = total - sum(part.end - part.first for part in missing)
    if not missing:
        return
    progress(COLORING, done, total)
    if isinstance(colorizer, Consistent) and (work / SCENES_BEFORE).exists():
        colorizer.read(work / SCENES_BEFORE)
    with Reader(source) as reader:
        frames = iter(reader)
        passed, memory = 0, None
        for part in parts:
            kept = work / part.file
            if kept.exists():
                continue
            for _ in itertools.islice(frames, part.first - passed):
                pass
            passed = part.end
            scene = wanted[part.scene]
            if part.first == scene.first:
                memory = None
            elif memory is None:
                memory = flow.read((work / parts[parts.index(part) - 1].file).with_suffix('.npz'))
            settings = scene.adjusted(adjustments)
            moving = flow.MovingColors(_network(colorizer, settings), scene.hints, every, memory)
            with atomic(kept) as temporary, temporary.open('wb') as file:
                encoding = encoder.start()
                taken = itertools.islice(frames, part.end - part.first)
                for frame, pixels in _colored(taken, moving, colorizer, settings, encoder):
                    for packet in encoding.encode(encoder.frame(pixels, frame.pts)):
                        keep(file, packet)
                    done += 1
                    progress(COLORING, done, total)
                for packet in encoding.encode(None):
                    keep(file, packet)
                memory = moving.memory
                assert memory is not None
                with atomic(kept.with_suffix('.npz')) as state:
                    flow.write(state, memory)
                if isinstance(colorizer, Consistent):
                    with atomic(work / SCENES_BEFORE) as state:
                        colorizer.write(state)


def _colored(
    frames: Iterable[Any], moving: flow.MovingColors, colorizer: Looks, settings: Adjustments, encoder: Encoder
) -> Iterator[tuple[Any, Array]]:
    """Frames and what they are in color."""
    size = contract.rendered_shape(encoder.height, encoder.width, settings.render_size or colorizer.render_size)
    ahead, behind = itertools.tee(frames)
    seen = (luminance(frame, *size) for frame in ahead)
    for ab in moving.colors(seen):
        frame = next(behind)
        yield frame, colorizer.join(photo(frame, encoder.is_deep), ab)


def _network(colorizer: Looks, settings: Adjustments) -> flow.Network:
    def network(shown: Array, hints: tuple[Hint, ...]) -> Array:
        steered = dataclasses.replace(settings, hints=hints, render_size=min(shown.shape[:2]))  # as it is
        return steered.applied(colorizer.colors(shown, steered, vivid=steered.vividness > 0))

    return network


# Files


def _check_target(source: Path, target: Path, force: bool) -> None:
    """Raise VideoError if the target may not be written."""
    if not source.exists():
        raise VideoError(f'{source} does not exist.')
    if target.exists() and os.path.samefile(source, target):
        raise VideoError(f'{target} would be replaced by its colour version: choose another name for it.')
    if target.is_dir():
        raise VideoError(f'{target} is a folder: name a file for the result, such as {target / source.name}.')
    if target.exists() and not force:
        raise VideoError(f'{target} is there already: use --force to replace it.')


def _check_work(work: Path) -> None:
    """Raise VideoError if what is done cannot be kept in a folder, because it is somebody else's."""
    if work.is_dir():
        others = [path.name for path in work.iterdir() if not _OURS.fullmatch(path.name)]
    else:
        others = [work.name] if os.path.lexists(work) else []
    if others:
        raise VideoError(
            f'{work} is where parts of the video are kept until it is whole, and {others[0]} is none of them: move it, '
            'or choose another name for the result.'
        )


@contextlib.contextmanager
def _written(target: Path) -> Generator[None]:
    """What the disk refuses becomes a sentence."""
    try:
        yield
    except (OSError, FFmpegError) as error:
        raise VideoError(f'{target} cannot be written: {error.strerror or error}.') from error


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody asked about."""
