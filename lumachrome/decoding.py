"""Decoders in a process of their own: a file that ends its decoder, or poisons it, ends nobody else's work.

Photo files come from anybody, and the libraries that read them are written in C. So no hostile byte is decoded where
the other photos are: `decoded` hands a path to a child process, whose memory and time are bounded, and which is
replaced when it dies. Pixels come back in a file that both see (`lumachrome.rows`), for the most part as they are
decoded, row by row; what else the file said comes as plain values.
"""

import atexit
import contextlib
import io
import math
import os
import pickle
import queue
import signal
import struct
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyvips

from lumachrome import children, limits, loading, photofile
from lumachrome.errors import PhotoError
from lumachrome.rows import Rows, new_file

PROCESSES = 2  # that decode at a time; who comes later waits
SECONDS = 60.0  # that a small photo may take
SECONDS_A_MEGAPIXEL = 1.0  # and a large one beyond that, by how many pixels are allowed: AVIF and JPEG 2000 are slow
BYTES_A_PIXEL = 40  # that a decoder may use at most: two copies of 16 bits with transparency, and profiles
BYTES = 2_000_000_000  # beside them, with the libraries themselves
KEPT_BYTES = 200_000_000  # of pixels: after a larger photo a decoder ends, and with it what it keeps of that memory

_LENGTH = struct.Struct('<Q')
_POISONED = (UnicodeDecodeError, SystemError)  # after these libvips fails for every file that follows


@dataclass(frozen=True)
class Spooled:
    """Pixels in a file that both processes see: the path under which it is opened, and as `Rows` has them."""

    where: str
    shape: tuple[int, ...]
    dtype: str


def decoded(path: Path, name: str, max_pixels: int, page: int | None = None) -> 'photofile.Photo':
    """A photo that a child process has decoded: `loading.decode`, with its parameters and errors.

    Raises
    ------
    PhotoError
        As `loading.decode` raises it; or the file ended its decoder, or took it too long.
    """
    photo, rows = _asked(path, name, max_pixels, page, in_rows=False)
    with rows:
        return replace(photo, pixels=rows.whole())


def spooled(path: Path, name: str, max_pixels: int, page: int | None = None) -> tuple['photofile.Photo', Rows]:
    """Like `decoded`, but the pixels stay in a file (`Rows`), which the caller closes."""
    return _asked(path, name, max_pixels, page, in_rows=True)


def _asked(path: Path, name: str, max_pixels: int, page: int | None, in_rows: bool) -> tuple['photofile.Photo', Rows]:
    with _borrowed() as decoder:
        return decoder.decode(path, name, max_pixels, page, in_rows)


def start() -> None:
    """Start a decoder if all are at work and there may be more: it is there when the next photo comes."""
    with _lock:
        if _idle.empty() and len(_made) < PROCESSES:
            decoder = _Decoder()
            _made.append(decoder)
            _idle.put(decoder)


def interrupt() -> None:
    """End what is being decoded, for a program that has been interrupted; who waits for it gets an error."""
    for decoder in _made:
        decoder.interrupt()


# The parent's side


class _Decoder:
    """A child process that decodes one photo after another; started when needed, and again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = children.started('lumachrome.decoding')
        return self._process

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def interrupt(self) -> None:
        self._interrupted = True
        if self._process is not None:
            self._process.kill()

    def decode(
        self, path: Path, name: str, max_pixels: int, page: int | None, in_rows: bool
    ) -> tuple['photofile.Photo', Rows]:
        rows, self._interrupted = None, False
        for fresh in (False, True):
            process = self._process if self._process and self._process.poll() is None else self._start()
            folder = tempfile.TemporaryDirectory(prefix='lumachrome-', ignore_cleanup_errors=True)
            try:
                question = os.path.abspath(path), name, max_pixels, page, limits.free_memory(), in_rows
                answer = self._asked(process, question, max_pixels, folder.name)
                if pixels := answer.get('pixels'):  # opened while it lives that made them
                    rows = Rows(pixels.where, pixels.shape, pixels.dtype, folder)
                break
            except TimeoutError as error:
                self.stop()
                raise PhotoError(f'{name} takes too long to decode: save it anew with another program.') from error
            except (EOFError, OSError) as error:
                self.stop()
                if fresh or self._interrupted:  # it died of this file: the first time it may have been dead before
                    raise PhotoError(children.ENDED_BY.format(name=name)) from error
            finally:
                if rows is None:
                    folder.cleanup()
        else:
            raise AssertionError
        if answer.get('last'):
            self.stop()
        if 'bug' in answer:
            raise RuntimeError(answer['bug'])
        if 'error' in answer:
            raise PhotoError(answer['error'])
        if 'memory' in answer:
            raise PhotoError(limits.NO_MEMORY.format(name=name))
        assert rows is not None
        return replace(answer['photo'], pixels=photofile.NO_PIXELS), rows

    def _asked(
        self, process: subprocess.Popen[bytes], question: tuple[Any, ...], max_pixels: int, folder: str
    ) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()
        many = min(max_pixels, photofile.MAX_PIXELS)  # more are decoded only where a row takes little of either
        clock = threading.Timer(SECONDS + SECONDS_A_MEGAPIXEL * many / 1e6, lambda: (late.set(), process.kill()))
        clock.start()
        try:
            _send(process.stdin, (question, BYTES + BYTES_A_PIXEL * many, folder))
            data = _received(process.stdout)
        except (EOFError, OSError) as error:
            raise TimeoutError if late.is_set() else EOFError from error
        finally:
            clock.cancel()
        # A decoder that was taken over must not take over its parent: only what a photo is made of is read.
        return _Plain(io.BytesIO(data)).load()


class _Plain(pickle.Unpickler):
    """Reads plain values, and of classes only those of which a photo's are."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {
            ('lumachrome.photofile', 'Photo'),
            ('lumachrome.metadata', 'Said'),
            ('lumachrome.decoding', 'Spooled'),
        }:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f'{module}.{name} is not of a photo')


_idle: 'queue.Queue[_Decoder]' = queue.Queue()
_made: list[_Decoder] = []
_lock = threading.Lock()


@contextlib.contextmanager
def _borrowed() -> Generator[_Decoder]:
    """A decoder that is nobody else's for the time being."""
    start()
    decoder = _idle.get()
    try:
        yield decoder
    except BaseException as error:
        if not isinstance(error, PhotoError):  # who was interrupted left a question open
            decoder.stop()
        raise
    finally:
        _idle.put(decoder)


def _forget() -> None:
    """A forked process has decoders of its own: two who asked the same one would get each other's photos."""
    global _idle, _lock
    _idle, _lock = queue.Queue(), threading.Lock()
    _made.clear()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget)


@atexit.register
def _stop_all() -> None:
    for decoder in _made:
        decoder.stop()


def _send(pipe: IO[bytes], content: Any) -> None:
    data = pickle.dumps(content)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes:
    data = pipe.read(_LENGTH.size)
    if len(data) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(data)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


# The child's side


def serve() -> None:
    """Decode what is asked for on standard input until it is closed."""
    questions, answers = os.fdopen(os.dup(0), 'rb'), children.answers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is interrupted ends this process
    file: IO[bytes] | None = None
    while True:
        try:
            (path, *asked), most_bytes, folder = pickle.loads(_received(questions))
        except EOFError:
            return
        children.bound_memory(most_bytes)
        answer: dict[str, Any] = {}
        if file is not None:
            file.close()  # the parent has opened it by now
        try:
            photo, image = loading.opened(Path(path), *asked)
            pixels, file = _spooled(image, photo.name, Path(folder))
            large = math.prod(pixels.shape) * np.dtype(pixels.dtype).itemsize > KEPT_BYTES
            answer = {'photo': replace(photo, pixels=[]), 'pixels': pixels, 'last': large}
            del image
        except PhotoError as error:
            answer = {'error': str(error), 'last': isinstance(error.__cause__, _POISONED)}
        except MemoryError:
            answer = {'memory': True, 'last': True}
        except Exception:  # ours, not the file's: it is shown where the photo was asked for
            answer = {'bug': traceback.format_exc(), 'last': True}
        _send(answers, answer)


def _spooled(image: Any, name: str, folder: Path) -> tuple[Spooled, IO[bytes]]:
    """The pixels of an image of libvips, decoded into a file, which is open only if it would be gone otherwise."""
    dtype = {'uchar': 'uint8', 'ushort': 'uint16'}[image.format]
    shape = image.height, image.width, image.bands
    where, file = new_file(math.prod(shape) * np.dtype(dtype).itemsize, folder, name)
    with loading.legible(name):
        image.rawsave_target(pyvips.Target.new_to_descriptor(file.fileno()))
    if Path(where).parent == folder:
        file.close()
    return Spooled(where, shape, dtype), file
