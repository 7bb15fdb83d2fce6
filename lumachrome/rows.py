"""A picture whose pixels lie in a file: they are taken, changed and put back band by band, and no one holds them all.

That file is memory that no disk sees where they are few, and a temporary one on the disk where they are many; it is
made by the decoder's process (`lumachrome.decoding`), and gone when nobody needs it any more.
"""

import contextlib
import io
import mmap
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lumachrome import limits

Array = npt.NDArray[Any]

IN_MEMORY = 100_000_000  # bytes of pixels; more go to the disk
FORGOTTEN_AFTER = 0.01  # seconds that mapped pixels stay resident
PIECE = 10_000_000  # bytes of mapped pixels that may stay
BAND_PIXELS = 1_000_000  # of a band: more gain no time

_BY_NUMBER = os.path.isdir('/proc/self/fd')  # whether an open file can be opened again that has no name any more


class Rows:
    """The pixels of a picture in a file. A context manager; when it is closed, they are gone.

    Parameters
    ----------
    path : str
        The file: pixels row by row, and nothing else.
    shape : tuple of int
        Height, width and channels, 3 or 4.
    dtype : str
        'uint8' or 'uint16'.
    folder : tempfile.TemporaryDirectory
        Where the file lies, if it lies on the disk.

    Attributes
    ----------
    path : str
        Under which this process can open the file.
    shape, dtype
    """

    def __init__(
        self, path: str, shape: tuple[int, ...], dtype: str, folder: 'tempfile.TemporaryDirectory[str]'
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._folder = folder
        self._file = io.FileIO(path, 'r+')
        if os.fstat(self._file.fileno()).st_size != shape[0] * self._row_bytes:
            raise EOFError(f'{path} does not hold {shape} pixels')
        if _BY_NUMBER:  # not even a process that is killed leaves it behind
            self.path = f'/proc/self/fd/{self._file.fileno()}'
            folder.cleanup()

    def __enter__(self) -> 'Rows':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._folder.cleanup()

    def bands(self) -> Iterator[tuple[int, Array]]:
        """The rows in sequence, some at a time: the number of the first one, and an array [rows, W, 3 or 4]."""
        height, width, channels = self.shape
        many = max(1, BAND_PIXELS // width)
        for first in range(0, height, many):
            band = np.empty((min(many, height - first), width, channels), self.dtype)
            self._file.seek(first * self._row_bytes)
            left = band.data.cast('B')
            while left:
                left = left[self._file.readinto(left) :]
            yield first, band

    def put(self, first: int, band: Array) -> None:
        """Put rows in the place of those that are there, from row `first` on."""
        self._file.seek(first * self._row_bytes)
        left = np.ascontiguousarray(band).data.cast('B')
        while left:
            left = left[self._file.write(left) :]

    def whole(self) -> Array:
        """All of them, as an array that outlives the file's name."""
        if sys.platform == 'win32':  # which deletes no file that somebody has mapped
            self._file.seek(0)
            return np.frombuffer(bytearray(self._file.readall()), self.dtype).reshape(self.shape)
        memory = mmap.mmap(self._file.fileno(), 0)  # lives as long as the array
        return np.frombuffer(memory, self.dtype).reshape(self.shape)

    @contextlib.contextmanager
    def mapped(self) -> Generator[mmap.mmap]:
        """The file as memory for a library that goes through it once: what it has seen does not stay resident."""
        memory, done = mmap.mmap(self._file.fileno(), 0), threading.Event()

        def forget() -> None:
            while not done.wait(FORGOTTEN_AFTER):
                memory.madvise(mmap.MADV_DONTNEED)  # of this process alone: the file keeps it

        watch = threading.Thread(target=forget, daemon=True)
        if hasattr(memory, 'madvise') and len(memory) > PIECE:
            watch.start()
        try:
            yield memory
        finally:
            done.set()
            if watch.ident:
                watch.join()

    @property
    def _row_bytes(self) -> int:
        return self.shape[1] * self.shape[2] * self.dtype.itemsize

    def shrunk(self, height: int, width: int, seen: Callable[[Array], Array]) -> Array:
        """The picture made smaller, as Pillow's BILINEAR makes it of the whole.

        Pillow resizes one axis after the other and rounds in between: so all bands are made narrow, and what is left
        of all of them, small enough for memory, is made low.

        Parameters
        ----------
        height, width : int
            Of the result.
        seen : callable
            Makes uint8 [rows, W, 3] of a band.

        Returns
        -------
        uint8 array [height, width, 3]
        """
        narrow = [
            np.asarray(Image.fromarray(seen(band)).resize((width, len(band)), Image.Resampling.BILINEAR))
            for _, band in self.bands()
        ]
        return np.asarray(Image.fromarray(np.concatenate(narrow)).resize((width, height), Image.Resampling.BILINEAR))


# Who makes the file


def new_file(size: int, folder: Path, name: str) -> tuple[str, IO[bytes]]:
    """A file for so many bytes of pixels: where other processes find it, and itself, which keeps it there.

    Few pixels lie in memory, many on the disk; in memory as well, if the disk has no room and the memory has.

    Parameters
    ----------
    size : int
    folder : Path
        Where it is made if it has to lie on the disk.
    name : str
        How people know the photo.

    Raises
    ------
    PhotoError
        Neither has room for it.
    """
    in_memory = hasattr(os, 'memfd_create') and _BY_NUMBER
    if in_memory and size > IN_MEMORY:
        in_memory = not limits.has_room(folder, size) and size < (limits.free_memory() or 0)
    if in_memory:
        file: IO[bytes] = os.fdopen(os.memfd_create('lumachrome'), 'r+b')
        return f'/proc/{os.getpid()}/fd/{file.fileno()}', file
    limits.make_sure_of_room(folder, size, name)
    handle, where = tempfile.mkstemp(dir=folder)
    return where, os.fdopen(handle, 'r+b')
