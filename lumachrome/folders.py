"""Folders: the photos below them, and results in them."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy.typing as npt

from lumachrome import photofile
from lumachrome.errors import PhotoError, ThereError, counted

Array = npt.NDArray[Any]

NAMED, LONGEST = 12, 20  # suffixes in a sentence, and their letters: whoever sends a ZIP may think up thousands


def photos(
    folder: Path, out: Path, onerror: Callable[[OSError], object], note: Callable[[str], object]
) -> Iterator[Path]:
    """The photos below a folder in order of name, without those in the folder for the results.

    `onerror` is called with the OSError of each folder that cannot be searched; `note` is told in a
    sentence what is passed over: links to folders, and files whose suffix is no photo's. Hidden ones are not worth it.
    """
    others: Counter[str] = Counter()
    for parent, names, files in os.walk(folder, onerror=onerror):
        names[:] = sorted(
            name for name in names if not name.startswith('.') and (Path(parent) / name).resolve() != out.resolve()
        )
        for link in (path for name in names if os.path.islink(path := os.path.join(parent, name))):
            note(f'{link} is a link to a folder and was passed over: name it as well to have its photos coloured.')
        for name in sorted(name for name in files if not name.startswith('.')):
            suffix = Path(name).suffix.lower()
            if suffix in photofile.PHOTO_SUFFIXES:
                yield Path(parent) / name
            else:
                others[suffix] += 1
    if others:
        note(passed_over(str(folder), others))


class Folder:
    """Results as files of their own. Nothing that is there is replaced unless `force`.

    Parameters
    ----------
    force : bool
    photos : iterable of path
        The photos of the run, which are never replaced.
    """

    def __init__(self, force: bool = False, photos: Iterable[str | Path] = ()) -> None:
        self._force = force
        self._photos = {_identity(path) for path in photos if os.path.exists(path)}

    def key(self, place: PurePath) -> Hashable:
        return one_file(place)

    def check(self, place: PurePath) -> None:
        """Raise PhotoError if something is in the way of the result."""
        if not os.path.exists(place):
            return
        if _identity(place) in self._photos:
            raise PhotoError(f'{place} would be replaced by a colour version: choose another folder.')
        if not self._force:
            raise ThereError(f'{place} is there already: use --force to replace it.')

    def write(
        self, place: PurePath, pixels: photofile.Pixels, photo: photofile.Photo, more: Iterable[photofile.Page] = ()
    ) -> None:
        photofile.write(Path(place), pixels, photo, more)


def one_file(place: PurePath) -> str:
    """What two places share that would be one file on some system: many tell no A from an a."""
    return unicodedata.normalize('NFC', str(place)).casefold()


def passed_over(name: str, suffixes: Mapping[str, int]) -> str:
    """A sentence on the files of a folder or a ZIP that are no photos: how many there are of the commonest suffixes."""
    named = sorted(Counter(suffixes).most_common(NAMED), key=lambda each: (not each[0], each))
    kinds = [f'{count} {suffix[:LONGEST] or "without a suffix"}' for suffix, count in named]
    if others := sum(suffixes.values()) - sum(count for _, count in named):
        kinds.append(counted(others, 'other'))
    return f'{name} holds files that are no photos by their names, and were passed over: {", ".join(kinds)}.'


def _identity(path: str | PurePath) -> tuple[int, int]:
    """What two paths of one file share."""
    found = os.stat(path)
    return found.st_dev, found.st_ino
