"""Photos of an album made ready ahead of their turn: read and coloured while others are written.

What bounds it are `decoding.PROCESSES` photos in the making and one that is written, each of them rows in a file.
"""

import contextlib
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from lumachrome import decoding, photofile
from lumachrome.adjustments import Adjustments
from lumachrome.errors import PhotoError
from lumachrome.rows import Rows

if TYPE_CHECKING:
    from lumachrome.album import ColorsPhotos, Place, Target, Task

Array = npt.NDArray[Any]

PHOTOS = decoding.PROCESSES  # that are made ready at a time


@dataclass(frozen=True)
class Asked:
    """A photo with all that is to be known for colouring it."""

    task: 'Task'
    place: 'Place'
    colorizer: 'ColorsPhotos'
    adjustments: Adjustments
    max_pixels: int
    all_pages: bool


@dataclass(frozen=True)
class Ready:
    """A photo in colour, in `rows`, not yet written; `open` holds these and its file open."""

    asked: Asked
    photo: photofile.Photo
    rows: Rows
    path: Path
    notes: list[str]
    open: contextlib.ExitStack


def in_turn(all_asked: Sequence[Asked], target: 'Target', at_a_time: int = PHOTOS) -> Generator['Future[Ready]']:
    """Photos in their order; up to `at_a_time` of those that follow are read and coloured meanwhile."""
    coming: deque[Future[Ready]] = deque()
    with ThreadPoolExecutor(at_a_time, 'album') as threads:
        try:
            for asked in all_asked:
                coming.append(threads.submit(_made_ready, asked, target))
                if len(coming) > at_a_time:
                    yield coming[0]
                    coming.popleft()
            while coming:
                yield coming[0]
                coming.popleft()
        finally:
            for future in coming:
                future.cancel()
            for future in coming:
                if not future.cancelled() and not future.exception():
                    future.result().open.close()


def _made_ready(asked: Asked, target: 'Target') -> Ready:
    """A photo read and coloured; what takes long, and may be done out of turn."""
    task = asked.task
    if task.refusal:
        raise PhotoError(task.refusal)
    if task.keeps_name:  # what is there already need not be decoded to be seen
        target.check(asked.place)
    with contextlib.ExitStack() as opened:
        path = opened.enter_context(task.opened())
        photo, rows = photofile.read_rows(path, task.name, asked.max_pixels, 0 if asked.all_pages else None)
        opened.enter_context(rows)
        if task.suffix and task.suffix.lower() not in photofile.SUFFIXES[photo.format]:
            raise PhotoError(
                f'{task.name} is written as {photo.format.upper()}: name the result {task.stem}{photo.suffix}.'
            )
        shown = asked.colorizer.colorize_rows(rows, asked.adjustments)
        return Ready(asked, photo, rows, path, _notes(task, photo, shown), opened.pop_all())


def further_pages(made: Ready) -> Generator[photofile.Page]:
    """The further pages of a TIFF file in colour, if they were asked for, each as its turn comes."""
    asked, name = made.asked, made.asked.task.name
    for count, number in enumerate(made.photo.pages[1:] if asked.all_pages else (), 2):
        try:
            page, rows = photofile.read_rows(made.path, name, asked.max_pixels, number)
        except PhotoError as error:
            raise PhotoError(str(error).replace(name, f'{name}, page {count},', 1)) from error
        with rows:
            shown = asked.colorizer.colorize_rows(rows, replace(asked.adjustments, hints=()))
            made.notes.extend(note for note in _notes(asked.task, page, shown) if note not in made.notes)
            yield rows, page


def _notes(task: 'Task', photo: photofile.Photo, shown: Array) -> list[str]:
    """What is to be said of a photo, a small copy of which is `shown`."""
    notes = [photo.note] if photo.note else []
    if photofile.palette(photofile.shrink(shown, photofile.PALETTE_SIDE)).is_colored:
        notes.append(f'{task.name} has colours of its own: only its light and dark are used.')
    return notes
