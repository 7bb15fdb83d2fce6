"""Standard input and output: a photo that comes through a pipe, one that goes out, and what is said beside them.

Nobody may listen, or only in another alphabet: then what is said is lost, and never the work.
"""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Hashable, Iterable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import numpy.typing as npt

from lumachrome import limits
from lumachrome.errors import PhotoError, printable

if TYPE_CHECKING:
    from lumachrome.photofile import Page, Photo, Pixels

Array = npt.NDArray[Any]

NAME = '-'  # of either, where a path is asked for
PIECE = 8_000_000  # bytes that are read at a time


class Input:
    """The photo on standard input, as the source of a task."""

    @contextlib.contextmanager
    def unpacked(self) -> Generator[Path]:
        """The photo as a file that lives as long as the context.

        Raises
        ------
        PhotoError
            There is none, or the disk has no room for it.
        """
        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            path = Path(folder) / 'photo'
            try:
                source = _binary(sys.stdin)
                with path.open('wb') as file:
                    while piece := source.read(PIECE):
                        limits.make_sure_of_room(folder, len(piece), 'Standard input')  # nobody says how long it is
                        file.write(piece)
            except (OSError, ValueError) as error:
                raise PhotoError(f'Standard input cannot be read: {_reason(error)}.') from error
            if not path.stat().st_size:
                raise PhotoError('Standard input is empty: send a photo.')
            yield path


class Output:
    """Standard output, as the target of an album of one photo; nothing of a photo that fails gets there."""

    def key(self, place: PurePath) -> Hashable:
        return place

    def check(self, place: PurePath) -> None:
        """Nothing is in the way."""

    def write(self, place: PurePath, pixels: 'Pixels', photo: 'Photo', more: 'Iterable[Page]' = ()) -> None:
        """Write a photo, as `photofile.write` does.

        Raises
        ------
        PhotoError
            It cannot be written, or nobody takes it.
        """
        from lumachrome import photofile

        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            path = Path(folder) / f'photo{photo.suffix}'
            failed = f'{photo.name} cannot be written to standard output'
            photofile.write(path, pixels, photo, more, failed)
            try:
                with path.open('rb') as file:
                    shutil.copyfileobj(file, _binary(sys.stdout))
                sys.stdout.flush()
            except (OSError, ValueError) as error:
                _silence(sys.stdout)
                raise PhotoError(f'{failed}: {_reason(error)}.') from error


class Listener:
    """A text stream that nobody fails on: what it cannot show comes as escapes, what it cannot take is dropped.

    Parameters
    ----------
    stream : text file or None
        `sys.stdout` or `sys.stderr`; None where that is closed.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')

    def write(self, text: str) -> int:
        """Write a text, and see whether it gets out: later it would be too late."""
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                _silence(self._stream)
        return len(text)

    def say(self, sentence: object) -> None:
        """Write a sentence as a line: whatever the names in it are, it is no more than that."""
        self.write(f'{printable(str(sentence))}\n')

    def flush(self) -> None:
        self.write('')

    def __getattr__(self, name: str) -> Any:  # how wide a terminal it is, and the like
        return getattr(self._stream, name)


def keep_descriptors() -> None:
    """Open what is closed of the three: the next file would get its number, and with it what libraries print."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def _binary(stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise ValueError('closed')
    return stream.buffer


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or 'it is closed'


def _silence(stream: TextIO | None) -> None:
    """Let what lies in a stream's buffer go nowhere: Python would fail on it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
