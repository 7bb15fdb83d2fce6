"""The pages of a TIFF file: which there are, and single ones joined to a file of several.

libvips joins only pages of one size and depth, and Pillow holds no 16-bit colours; so each page is written as a file
of its own, with all that belongs to it, and its directory and pixels are put behind those of the pages before.
"""

import itertools
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lumachrome.errors import PhotoError
from lumachrome.exif import LARGEST, Directories, laid_out, plain

MOST = 10_000  # pages that are looked for: a file may claim more than it holds
BYTES = 2**32 - 2**16  # of a file: TIFF counts places in 32 bits

_SUBFILE, _OLD_SUBFILE, _STRIPS, _LENGTHS = 254, 255, 273, 279  # TIFF 6.0, section 8
_SMALLER, _PAGE, _MASK = 1, 2, 4  # bits of the first
_OLD_SMALLER = 2  # a value of the second
_LONG = 4
_CODES = {3: 'H', 4: 'I'}  # of struct, for types of numbers


@dataclass(frozen=True)
class Pages:
    """Which pictures of a TIFF file are pages.

    Attributes
    ----------
    numbers : tuple of int
        Their places in the file, counted from 0.
    others : int
        How many are thumbnails, smaller copies or masks of a page.
    whole : bool
        Whether that is all; else the file is damaged behind the last of them.
    """

    numbers: tuple[int, ...] = ()
    others: int = 0
    whole: bool = True

    def note(self, name: str) -> str:
        """What is to be said of a file of that name, all of whose pages are taken; or ''."""
        beside = f'{name} holds thumbnails, smaller copies or masks beside its pages; they are left out.'
        damaged = f'{name} is damaged behind page {len(self.numbers)}; what follows is left out.'
        return ' '.join(([beside] if self.others else []) + ([] if self.whole else [damaged]))


def find(path: Path) -> Pages:
    """The pages of a TIFF file, the first picture always among them; none of a file of another format."""
    numbers: list[int] = []
    others, whole = 0, True
    try:
        with path.open('rb') as file:
            for number, kind in enumerate(itertools.islice(_kinds(Directories(file)), MOST)):
                if number and kind & (_SMALLER | _MASK):
                    others += 1
                else:
                    numbers.append(number)
    except (OSError, ValueError):  # another format, or damaged from here on
        whole = False
    return Pages(tuple(numbers), others, whole)


def _kinds(directories: Directories) -> Iterator[int]:
    """The bits of each picture's NewSubfileType."""
    for at in directories.chain():
        entries, _ = directories.directory(at, 2)  # they are in order, and these have the lowest numbers that there are
        old = directories.number(entries.get(_OLD_SUBFILE)) == _OLD_SMALLER
        yield _SMALLER if old else directories.number(entries.get(_SUBFILE))


def append(path: Path, page: Path, name: str) -> None:
    """Put the only page of a TIFF file behind those of another; both are little-endian, as libvips writes them.

    Parameters
    ----------
    path, page : Path
    name : str
        How people know the photo.

    Raises
    ------
    PhotoError
        The file would become larger than TIFF files can be.
    """
    with path.open('r+b') as file, page.open('rb') as other:
        if path.stat().st_size + page.stat().st_size > BYTES:
            raise PhotoError(f'{name} has too many pages for one TIFF file of 4 GB: split it first.')
        there, new = Directories(file), Directories(other, most_bytes=4 * LARGEST)  # it was within the bounds before
        *_, last = there.chain()
        entries, _ = new.directory(new.first)
        rows, _ = plain(new, entries)
        rows[_SUBFILE] = _LONG, _PAGE.to_bytes(4, 'little')
        _aligned_end(file)
        places = bytearray()
        for at, length in zip(_numbers(rows[_STRIPS]), _numbers(rows[_LENGTHS]), strict=True):
            places += file.tell().to_bytes(4, 'little')
            other.seek(at)
            file.write(other.read(length))
        rows[_STRIPS] = _LONG, bytes(places)
        end = _aligned_end(file)
        file.write(laid_out(rows, end, 'little'))
        file.seek(there.following(last))
        file.write(end.to_bytes(4, 'little'))


def _aligned_end(file: IO[bytes]) -> int:
    """The end of a file, made even, as TIFF wants it of places."""
    end = file.seek(0, os.SEEK_END)
    return end + file.write(bytes(end % 2))


def _numbers(value: tuple[int, bytes]) -> tuple[int, ...]:
    kind, data = value
    code = _CODES[kind]
    return struct.unpack(f'<{len(data) // struct.calcsize(code)}{code}', data)
