"""Many photos in, many photos out, one at a time in memory: the command line's folders and the page's albums.

A bad photo never spoils the rest: each one gives an `Outcome`, coloured or not, and the next one follows. Where the
results go is a target's business: `Folder` here, and `zipfiles.Writer`.
"""

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pyvips

from lumachrome import photofile, zipfiles
from lumachrome.errors import ModelError, PhotoError


@dataclass(frozen=True)
class Task:
    """A photo and where its colour version goes.

    Attributes
    ----------
    name : str
        How people know the photo; what is said about it begins with that.
    source : Path or zipfiles.Member
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
    source: Path | zipfiles.Member
    folder: Path | PurePosixPath
    stem: str
    suffix: str = ''
    refusal: str = ''

    def opened(self):
        """The photo's file, as long as the context lasts."""
        return self.source.unpacked() if isinstance(self.source, zipfiles.Member) else contextlib.nullcontext(self.source)


@dataclass(frozen=True)
class Outcome:
    """What became of a photo: `target` was written, or `error` says in a sentence why not.

    `small` is the result for the screen, uint8 [h, w, 3], where that was asked for.
    """

    name: str
    target: Path | PurePosixPath | None = None
    error: str = ''
    note: str = ''
    small: np.ndarray | None = None


class Folder:
    """Results as files of their own. Nothing that is there is replaced unless `force`.

    Parameters
    ----------
    force : bool
    photos : iterable of path
        The photos of the run, which are never replaced.
    """

    def __init__(self, force=False, photos=()):
        self._force = force
        self._photos = {_identity(path) for path in photos if os.path.exists(path)}

    def key(self, place):
        return place

    def check(self, place):
        """Raise PhotoError if something is in the way of the result."""
        if not os.path.exists(place):
            return
        if _identity(place) in self._photos:
            raise PhotoError(f'{place} would be replaced by a colour version: choose another folder.')
        if not self._force:
            raise PhotoError(f'{place} is there already: use --force to replace it.')

    def write(self, place, pixels, photo):
        photofile.write(place, pixels, photo)


def tasks(inputs, out):
    """Which photos to colour, and where each one goes.

    Parameters
    ----------
    inputs : sequence of str or Path
        Photos, ZIPs, and folders that are searched for photos with all that is below them. Hidden files are passed
        over.
    out : str or Path
        The folder for the results; where there is one photo, it may be the result's own name. The photos of a folder or
        a ZIP keep their path below it; if several are given, each keeps its own name as well.

    Returns
    -------
    list of Task
        In a fixed order. A path that does not exist and a folder without photos are in it, and give an error when their
        turn comes.

    Raises
    ------
    PhotoError
        `out` is a file where a folder is needed.
    """
    inputs, out = [Path(path) for path in inputs], Path(out)
    albums = [path for path in inputs if os.path.isdir(path) or path.suffix.lower() == zipfiles.SUFFIX]
    if len(inputs) == 1 and not albums and not os.path.isdir(out) and out.suffix.lower() in photofile.PHOTO_SUFFIXES:
        return [Task(str(inputs[0]), inputs[0], out.parent, out.stem, out.suffix)]
    if os.path.exists(out) and not os.path.isdir(out):
        raise PhotoError(f'{out} is a file: name a folder for the results.')
    found = []
    for path in inputs:
        if os.path.isdir(path):
            top = out / path.resolve().name if len(albums) > 1 else out
            shut = []  # errors of the folders that could not be searched
            photos = [
                Task(str(photo), photo, top / photo.parent.relative_to(path), photo.stem)
                for photo in _photos_below(path, out, shut.append)
            ]
            photos += [
                Task(e.filename, path, top, path.name, refusal=f'{e.filename} cannot be searched: {e.strerror}.')
                for e in shut
            ]
            found += photos or [Task(str(path), path, top, path.name, refusal=f'{path} holds no photos.')]
        elif path in albums:
            found += in_zip(path, str(path), out / path.stem if len(albums) > 1 else out)
        else:
            found.append(Task(str(path), path, out, path.stem))
    return found


def in_zip(path, name, folder, **limits):
    """The photos of a ZIP as tasks whose results go below a folder; one that tells why not, where it cannot be read.

    Parameters
    ----------
    path : Path
    name : str
        How people know the ZIP.
    folder : Path or PurePosixPath
    **limits
        As `zipfiles.members` takes them.

    Returns
    -------
    list of Task
    """
    try:
        members = zipfiles.members(path, name, **limits)
    except PhotoError as error:
        return [Task(name, path, folder, path.stem, refusal=str(error))]
    places = [folder / member.name for member in members]
    return [
        Task(member.name, member, place.parent, place.stem, refusal=member.refusal)
        for member, place in zip(members, places, strict=True)
    ]


def colorize(found, colorizer, target, preview=0, max_pixels=photofile.MAX_PIXELS, **settings):
    """Colour photos one after the other.

    Parameters
    ----------
    found : iterable of Task
    colorizer : Colorizer
    target : Folder or zipfiles.Writer
        Where the results go. Two that would have the same name both survive: the second is called 'name (2).jpg'.
    preview : int
        Long side in pixels of the small picture that comes with each outcome; 0 for none.
    max_pixels : int
        How many a photo may have.
    **settings
        As `Colorizer.colorize` takes them.

    Yields
    ------
    Outcome
        One a task, in their order.
    """
    taken = set()
    for task in found:
        try:
            outcome = _colored(task, colorizer, target, taken, preview, max_pixels, settings)
        except PhotoError as error:
            outcome = Outcome(task.name, error=str(error))
        except MemoryError:
            outcome = Outcome(task.name, error=f'{task.name} is too large for the memory of this machine.')
        except ModelError:  # the settings are wrong, whatever the photo
            raise
        except (OSError, ValueError, pyvips.Error) as error:  # what nobody thought of is this photo's alone, too
            outcome = Outcome(task.name, error=f'{task.name} cannot be coloured: {str(error).strip() or repr(error)}.')
        yield outcome


def _colored(task, colorizer, target, taken, preview, max_pixels, settings):
    """One photo; a function of its own, so that its pixels are gone when the next one is read."""
    if task.refusal:
        raise PhotoError(task.refusal)
    # Most photos keep their suffix: what is there already need not be decoded to be seen.
    expected = task.suffix or Path(task.name).suffix
    if expected.lower() not in photofile.READ_ONLY_SUFFIXES:
        _place(task, expected, target, taken)
    with task.opened() as path:
        photo = photofile.read(path, task.name, max_pixels)
    if task.suffix and task.suffix.lower() not in photofile.SUFFIXES[photo.format]:
        raise PhotoError(
            f'{task.name} is written as {photo.format.upper()}: name the result {task.stem}{photo.suffix}.'
        )
    place = _place(task, task.suffix or photo.suffix, target, taken)
    pixels = _pixels(photo, colorizer, **settings)
    target.write(place, pixels, photo)
    taken.add(target.key(place))
    small = photofile.shrink(replace(photo, pixels=pixels), preview) if preview else None
    return Outcome(task.name, place, note=photo.note, small=small)


def _pixels(photo, colorizer, saturation=1.0, **settings):
    """A photo's pixels in colour. The network looks at what is seen of it."""
    if photo.alpha is None:
        return colorizer.colorize(photo.pixels, saturation=saturation, **settings)
    return colorizer.join(photo.pixels, colorizer.colors(photofile.opaque(photo), **settings), saturation)


def _place(task, suffix, target, taken):
    """Where a result goes: a name that no other result of this run has, and that the target allows."""
    place, count = task.folder / f'{task.stem}{suffix}', 2
    while target.key(place) in taken:
        place, count = task.folder / f'{task.stem} ({count}){suffix}', count + 1
    target.check(place)
    return place


def _identity(path):
    """What two paths of one file share."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _photos_below(folder, out, onerror):
    """The photos below a folder in order of name, without those in the folder for the results.

    `onerror` is called with the OSError of each folder that cannot be searched.
    """
    for parent, names, files in os.walk(folder, onerror=onerror):
        names[:] = sorted(
            name for name in names if not name.startswith('.') and (Path(parent) / name).resolve() != out.resolve()
        )
        for name in sorted(files):
            if not name.startswith('.') and Path(name).suffix.lower() in photofile.PHOTO_SUFFIXES:
                yield Path(parent) / name
