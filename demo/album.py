"""Many photos in, many photos out, one at a time in memory: what `python -m demo colorize` runs on.

A bad photo never spoils the rest: each one gives an `Outcome`, coloured or not, and the next one follows.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from demo import photofile


@dataclass(frozen=True)
class Task:
    """A photo and where its colour version goes: a folder and a name, with the suffix if that was asked for."""

    source: Path
    folder: Path
    stem: str
    suffix: str = ''


@dataclass(frozen=True)
class Outcome:
    """What became of a photo: `target` was written, or `error` says in a sentence why not."""

    source: Path
    target: Path | None = None
    error: str = ''
    note: str = ''


def tasks(inputs, out):
    """Which photos to colour, and where each one goes.

    Parameters
    ----------
    inputs : sequence of str or Path
        Photos, and folders that are searched for photos with all that is below them. Hidden files are passed over.
    out : str or Path
        The folder for the results; where there is one photo, it may be the result's own name. A folder's photos keep
        their path below it; if several folders are given, each keeps its own name as well.

    Returns
    -------
    list of Task
        In a fixed order. A path that does not exist and a folder without photos are in it, and give an error when their
        turn comes.

    Raises
    ------
    photofile.PhotoError
        `out` is a file where a folder is needed.
    """
    inputs, out = [Path(path) for path in inputs], Path(out)
    if (
        len(inputs) == 1
        and not inputs[0].is_dir()
        and not out.is_dir()
        and out.suffix.lower() in photofile.PHOTO_SUFFIXES
    ):
        return [Task(inputs[0], out.parent, out.stem, out.suffix)]
    if out.exists() and not out.is_dir():
        raise photofile.PhotoError(f'{out} is a file: name a folder for the results.')
    folders = [path for path in inputs if path.is_dir()]
    found = []
    for path in inputs:
        if not path.is_dir():
            found.append(Task(path, out, path.stem))
            continue
        top = out / path.resolve().name if len(folders) > 1 else out
        photos = [Task(photo, top / photo.parent.relative_to(path), photo.stem) for photo in _photos_below(path, out)]
        found += photos or [Task(path, top, path.name)]
    return found


def colorize(found, colorizer, force=False, **settings):
    """Colour photos one after the other.

    Parameters
    ----------
    found : iterable of Task
    colorizer : Colorizer
    force : bool
        Replace files that are there; a photo itself is never replaced, nor a result of the same run.
    **settings
        As `Colorizer.colorize` takes them.

    Yields
    ------
    Outcome
        One a task, in their order.
    """
    written = set()
    for task in found:
        try:
            if task.source.is_dir():
                raise photofile.PhotoError(f'{task.source} holds no photos.')
            # Most photos keep their suffix: what is there already need not be decoded to be seen.
            _check(task.folder / f'{task.stem}{task.suffix or task.source.suffix}', task, written, force)
            photo = photofile.read(task.source)
            if task.suffix and task.suffix.lower() not in photofile.SUFFIXES[photo.format]:
                raise photofile.PhotoError(
                    f'{task.source} is written as {photo.format.upper()}: name the result {task.stem}{photo.suffix}.'
                )
            target = task.folder / f'{task.stem}{task.suffix or photo.suffix}'
            _check(target, task, written, force)
            photofile.write(target, colorizer.colorize(photo.pixels, **settings), photo)
        except photofile.PhotoError as error:
            yield Outcome(task.source, error=str(error))
        except MemoryError:
            yield Outcome(task.source, error=f'{task.source} is too large for the memory of this machine.')
        else:
            written.add(target)
            yield Outcome(task.source, target, note=photo.note)


def _check(target, task, written, force):
    if target in written:
        raise photofile.PhotoError(f'{task.source} would be written to {target}, like a photo before it.')
    if target.exists() and task.source.exists() and target.samefile(task.source):
        raise photofile.PhotoError(f'{target} would be replaced by its own colour version: choose another folder.')
    if target.exists() and not force:
        raise photofile.PhotoError(f'{target} is there already: use --force to replace it.')


def _photos_below(folder, out):
    """The photos below a folder in order of name, without those in the folder for the results."""
    for parent, names, files in os.walk(folder):
        names[:] = sorted(
            name for name in names if not name.startswith('.') and (Path(parent) / name).resolve() != out.resolve()
        )
        for name in sorted(files):
            if not name.startswith('.') and Path(name).suffix.lower() in photofile.PHOTO_SUFFIXES:
                yield Path(parent) / name
