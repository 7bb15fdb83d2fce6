"""Many photos in, many photos out, in little memory: the command line's folders and the page's albums.

While one photo is written, those that follow are decoded and coloured (`lumachrome.ahead`); of none of them memory
holds more than some rows (`lumachrome.rows`). A bad photo never spoils the rest: each one gives an `Outcome`, coloured
or not, and the next one follows. Where the results go is a target's business: `folders.Folder`, `zipfiles.Writer` and
`streams.Output`.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from types import MappingProxyType
from typing import Any, Protocol

import numpy.typing as npt

from lumachrome import ahead, decoding, folders, limits, photofile, streams, zipfiles
from lumachrome.adjustments import Adjustments
from lumachrome.colorizer import AS_THEY_COME
from lumachrome.errors import AdjustmentError, PhotoError, ThereError, UserError, printable
from lumachrome.folders import Folder as Folder  # the target of most albums
from lumachrome.hints import Hint
from lumachrome.rows import Rows

LOG = logging.getLogger(__name__)

Array = npt.NDArray[Any]
Place = Path | PurePosixPath


class ColorsPhotos(Protocol):
    """What an album asks of a `Colorizer`, from several threads; whoever runs one elsewhere gives these two."""

    def check(self, adjustments: Adjustments) -> None: ...

    def colorize_rows(self, rows: Rows, adjustments: Adjustments) -> Array: ...


class Target(Protocol):
    """Where the results of an album go."""

    def key(self, place: Place) -> Hashable:
        """What two places share that would be one file."""
        ...

    def check(self, place: Place) -> None:
        """Raise PhotoError if something is in the way of the result."""
        ...

    def write(
        self, place: Place, pixels: photofile.Pixels, photo: photofile.Photo, more: Iterable[photofile.Page] = ()
    ) -> None:
        """Write a photo's new pixels, as `photofile.write` does."""
        ...


@dataclass(frozen=True)
class Task:
    """A photo and where its colour version goes.

    Attributes
    ----------
    name : str
        How people know the photo; what is said about it begins with that.
    source : Path, zipfiles.Member or streams.Input
    folder : Path or PurePosixPath
        Where the result goes; in a ZIP, the folder there.
    stem : str
        The result's name without its suffix.
    suffix : str
        The suffix, if one was asked for.
    refusal : str
        A sentence on why the photo cannot be coloured, known beforehand; or ''.
    """

    name: str
    source: Path | zipfiles.Member | streams.Input
    folder: Path | PurePosixPath
    stem: str
    suffix: str = ''
    refusal: str = ''

    def opened(self) -> contextlib.AbstractContextManager[Path]:
        """The photo's file, as long as the context lasts."""
        return contextlib.nullcontext(self.source) if isinstance(self.source, Path) else self.source.unpacked()

    @property
    def keeps_name(self) -> bool:
        """Whether the result has the photo's own suffix, or the one asked for, as far as names tell."""
        return (self.suffix or Path(self.name).suffix).lower() not in photofile.READ_ONLY_SUFFIXES

    @property
    def expected(self) -> str:
        """The suffix that the result will have, as far as names tell."""
        suffix = self.suffix or Path(self.name).suffix
        return suffix if self.keeps_name else '.jpg' if suffix.lower() in ('.heic', '.heif', '.mpo') else '.png'


@dataclass(frozen=True)
class Outcome:
    """What became of a photo: `target` was written, or `error` says in a sentence why not.

    Whatever a photo is called, the texts can be printed. `there` is whether the result was there already. `small` is
    the result for the screen, uint8 [h, w, 3], where that was asked for.
    """

    name: str
    target: Path | PurePosixPath | None = None
    error: str = ''
    note: str = ''
    there: bool = False
    small: Array | None = None


def tasks(
    inputs: Sequence[str | Path], out: str | Path, note: Callable[[str], object] = lambda sentence: None
) -> list[Task]:
    """Which photos to colour, and where each one goes.

    Parameters
    ----------
    inputs : sequence of str or Path
        Photos, ZIPs, folders that are searched for photos with all that is below them, and '-' for a photo on standard
        input. Hidden files are passed over.
    out : str or Path
        The folder for the results; where there is one photo, it may be the result's own name. The photos of a folder or
        a ZIP keep their path below it; if several are given, each keeps its own name as well. '-' is standard output.
    note : callable
        Is told in a sentence what else is passed over: links to folders, and files whose suffix is no photo's.

    Returns
    -------
    list of Task
        In a fixed order. A path that does not exist and a folder without photos are in it, and give an error when their
        turn comes.

    Raises
    ------
    PhotoError
        `out` is a file or a photo's name where a folder is needed, or standard output where there may be several.
    """
    paths, out = [Path(path) for path in inputs], Path(out)
    is_album = [str(path) != streams.NAME and _is_album(path) for path in paths]
    albums = sum(is_album)
    one = len(paths) == 1 and not albums
    if str(out) == streams.NAME:
        if not one:
            raise PhotoError('Standard output takes one photo: name a folder for the results of several.')
        return [_single(paths[0], out.parent)]
    if one and not os.path.isdir(out) and out.suffix.lower() in photofile.PHOTO_SUFFIXES:
        return [replace(_single(paths[0], out.parent), stem=out.stem, suffix=out.suffix)]
    if os.path.exists(out) and not os.path.isdir(out):
        raise PhotoError(f'{out} is a file: name a folder for the results.')
    if not os.path.isdir(out) and out.suffix.lower() in photofile.PHOTO_SUFFIXES:
        raise PhotoError(f'{out} is a name for one photo: name a folder for the results of several.')
    found: list[Task] = []
    for path, holds_several in zip(paths, is_album, strict=True):
        if not holds_several:
            found.append(_single(path, out))
        elif os.path.isdir(path):
            top = out / path.resolve().name if albums > 1 else out
            shut: list[OSError] = []  # errors of the folders that could not be searched
            photos = [
                Task(str(photo), photo, top / photo.parent.relative_to(path), photo.stem)
                for photo in folders.photos(path, out, shut.append, note)
            ]
            photos += [
                Task(e.filename, path, top, path.name, refusal=f'{e.filename} cannot be searched: {e.strerror}.')
                for e in shut
            ]
            found += photos or [Task(str(path), path, top, path.name, refusal=f'{path} holds no photos.')]
        else:
            found += in_zip(path, str(path), out / path.stem if albums > 1 else out, note)
    return found


def _is_album(path: Path) -> bool:
    return os.path.isdir(path) or path.suffix.lower() == zipfiles.SUFFIX


def _single(path: Path, folder: Path) -> Task:
    if str(path) == streams.NAME:
        return Task('Standard input', streams.Input(), folder, 'stdin')
    return Task(str(path), path, folder, path.stem)


def in_zip(
    path: Path, name: str, folder: Place, note: Callable[[str], object] = lambda sentence: None, **limits: int
) -> list[Task]:
    """The photos of a ZIP as tasks whose results go below a folder; one that tells why not, where it cannot be read.

    Parameters
    ----------
    path : Path
    name : str
        How people know the ZIP.
    folder : Path or PurePosixPath
    note : callable
        Is told in a sentence which files are passed over, as no photos.
    **limits
        As `zipfiles.members` takes them.

    Returns
    -------
    list of Task
    """
    try:
        members = zipfiles.members(path, name, note=note, **limits)
    except PhotoError as error:
        return [Task(name, path, folder, path.stem, refusal=str(error))]
    places = [folder / member.name for member in members]
    return [
        Task(member.name, member, place.parent, place.stem, refusal=member.refusal)
        for member, place in zip(members, places, strict=True)
    ]


def hints_by_name(given: Iterable[tuple[str, Iterable[Hint]]], found: Sequence[Task]) -> dict[str, tuple[Hint, ...]]:
    """Hints for single photos of an album, by the names of their tasks.

    Parameters
    ----------
    given : iterable of (str, sequence of Hint)
        The photo's name, with its folders or without, and its hints: such as `hints.read` gives them.
    found : sequence of Task

    Returns
    -------
    dict of str to tuple of Hint

    Raises
    ------
    AdjustmentError
        A name is that of no photo here, or of several; or a photo is meant twice.
    """
    meant: dict[str, tuple[Hint, ...]] = {}
    for name, hints in given:
        named = [task.name for task in found if task.name == name]
        named = named or [task.name for task in found if PurePath(task.name).name == name]
        if not name:
            raise AdjustmentError(
                'There are hints that name no photo: write "photo": "photo.jpg" into the file of hints.'
            )
        if not named:
            raise AdjustmentError(
                f'There are hints for {name}, and no photo of that name: take it along, or leave its hints out.'
            )
        if len(named) > 1:
            raise AdjustmentError(
                f'There are hints for {name}, and {len(named)} photos of that name: '
                f'write it with its folders in the file of hints, as in {named[0]}.'
            )
        if named[0] in meant:
            raise AdjustmentError(f'There are hints for {named[0]} twice: leave one of the two files out.')
        meant[named[0]] = tuple(hints)
    return meant


def colorize(
    found: Sequence[Task],
    colorizer: ColorsPhotos,
    target: Target,
    adjustments: Adjustments = AS_THEY_COME,
    hints: Mapping[str, tuple[Hint, ...]] = MappingProxyType({}),
    preview: int = 0,
    max_pixels: int = photofile.MAX_PIXELS_IN_ROWS,
    all_pages: bool = False,
    at_a_time: int = ahead.PHOTOS,
) -> Iterator[Outcome]:
    """Colour photos: each is written when its turn comes, and while it is, the next ones are made ready.

    Whoever stops asking finds the results of the outcomes that came, and no others.

    Parameters
    ----------
    found : sequence of Task
    colorizer : Colorizer
        Or whatever else is a `ColorsPhotos`.
    target : Folder, zipfiles.Writer or streams.Output
        Where the results go. Two that would have the same name both survive: the second is called 'name (2).jpg',
        and photos that keep their name come first. Which one that is depends on the tasks alone, not on what is there:
        a run that goes on where another ended finds the same names.
    adjustments : Adjustments
        The same for all of them.
    hints : mapping of str to tuple of Hint
        Those of single photos, by their tasks' names: see `hints_by_name`.
    preview : int
        Long side in pixels of the small picture that comes with each outcome; 0 for none.
    max_pixels : int
        How many a photo may have.
    all_pages : bool
        Whether all pages of a TIFF file are coloured, not the first alone; hints are for the first.
    at_a_time : int
        How many photos are made ready at a time; with 1, the colorizer sees them in their order.

    Yields
    ------
    Outcome
        One a task, in their order.

    Raises
    ------
    ModelError
        The network lacks a setting that was asked for, whatever the photo; before the first one.
    """
    for own in (adjustments.hints, *hints.values()):
        colorizer.check(replace(adjustments, hints=own))
    taken: set[Hashable] = set()
    places = _planned(found, target, taken)
    settings = [replace(adjustments, hints=hints.get(task.name, adjustments.hints)) for task in found]
    asked = [
        ahead.Asked(task, place, colorizer, own, max_pixels, all_pages)
        for task, place, own in zip(found, places, settings, strict=True)
    ]
    with contextlib.closing(ahead.in_turn(asked, target, at_a_time)) as all_ready:
        for task, ready in zip(found, all_ready, strict=True):
            try:
                outcome = _written(ready, target, taken, preview)
            except KeyboardInterrupt:
                decoding.interrupt()
                raise
            except UserError as error:
                outcome = Outcome(task.name, error=str(error), there=isinstance(error, ThereError))
            except MemoryError:
                outcome = Outcome(task.name, error=limits.NO_MEMORY.format(name=task.name))
            except Exception as error:  # a bug, or a photo that nobody thought of: its own alone
                LOG.exception('%s cannot be coloured', printable(task.name))
                reason = ' '.join(str(error).split()) or repr(error)
                outcome = Outcome(task.name, error=f'{task.name} cannot be coloured: {reason}.')
            del ready
            said = {key: printable(getattr(outcome, key)) for key in ('name', 'error', 'note')}
            yield replace(outcome, **said)  # here, where no error holds on to the photo any more


def _written(ready: 'Future[ahead.Ready]', target: Target, taken: set[Hashable], preview: int) -> Outcome:
    """What becomes of a photo that is ready, or will be; a function of its own, so that then it is gone."""
    made = ready.result()
    asked, photo = made.asked, made.photo
    task, place = asked.task, asked.place
    with made.open:
        if (suffix := task.suffix or photo.suffix) != task.expected:  # the content is not what the name says
            place = _free(task, suffix, target, taken)
        target.check(place)
        with contextlib.closing(ahead.further_pages(made)) as pages:
            target.write(place, made.rows, photo, pages)
        small = photofile.shrink(made.rows, preview) if preview else None
    return Outcome(task.name, place, note=' '.join(made.notes), small=small)


def _planned(found: Sequence[Task], target: Target, taken: set[Hashable]) -> list[Place]:
    """Where each result will go, as far as names tell; `taken` gets the keys of these places."""
    places: dict[int, Place] = {}
    for index, task in enumerate(found):
        place = task.folder / f'{task.stem}{task.expected}'
        if task.refusal or (task.keeps_name and target.key(place) not in taken):
            places[index] = place
        if index in places and not task.refusal:
            taken.add(target.key(place))
    for index, task in enumerate(found):
        if index not in places:
            places[index] = _free(task, task.expected, target, taken)
    return [places[index] for index in range(len(found))]


def _free(task: Task, suffix: str, target: Target, taken: set[Hashable]) -> Place:
    """A place that no other result of this run has, nor will have."""
    place, count = task.folder / f'{task.stem}{suffix}', 2
    while target.key(place) in taken:
        place, count = task.folder / f'{task.stem} ({count}){suffix}', count + 1
    taken.add(target.key(place))
    return place
