"""Folders: the photos below them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from lumachrome.photofile import PHOTO_SUFFIXES


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
            if suffix in PHOTO_SUFFIXES:
                yield Path(parent) / name
            else:
                others[suffix or 'without a suffix'] += 1
    if others:
        kinds = ', '.join(f'{count} {suffix}' for suffix, count in sorted(others.items()))
        note(f'{folder} holds files that are no photos by their names, and were passed over: {kinds}.')
