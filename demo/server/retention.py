"""Nothing that visitors send or get stays: neither what Gradio knows of, nor what it loses sight of.

That is uploads that broke off, files that no component shows, every folder, and what was read out of files into memory.
"""

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

KEPT_MINUTES = 60  # how long a photo stays on the server

Value = TypeVar('Value')


class Kept(Generic[Value]):
    """What was read out of files last, for the next one who asks; it goes when its file goes.

    Parameters
    ----------
    most : int
        How many things are kept.
    """

    def __init__(self, most: int):
        self._most = most
        self._kept: dict[tuple[str, Any], Value] = {}
        self._lock = threading.Lock()
        _all.add(self)

    def __len__(self) -> int:
        return len(self._kept)

    def get(
        self, path: str, read: Callable[[], Value], how: Any = None, fits: Callable[[Value], bool] = lambda value: True
    ) -> Value:
        """What is kept of a file; read if it is not, and kept if it `fits`. `how` tells apart what one file gives."""
        with self._lock:
            if (path, how) in self._kept:
                value = self._kept[path, how] = self._kept.pop((path, how))  # the last one that was asked for
                return value
        value = read()
        if fits(value):
            with self._lock:
                while len(self._kept) >= self._most:
                    del self._kept[next(iter(self._kept))]
                self._kept[path, how] = value
        return value

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def sweep(self) -> None:
        """Forget what files held that are gone."""
        with self._lock:
            self._kept = {key: value for key, value in self._kept.items() if os.path.exists(key[0])}


_all: weakref.WeakSet[Kept[Any]] = weakref.WeakSet()


@contextlib.contextmanager
def swept(folder: str | Path, seconds: float, pause: float = 60) -> Iterator[None]:
    """Keep a folder swept while the block runs: what is in it before stays, what comes is deleted when it is old.

    Parameters
    ----------
    folder : str or Path
    seconds : float
        How long a file stays after it was last written.
    pause : float
        Seconds between two sweeps.
    """
    stays = frozenset(Path(folder).rglob('*'))
    over = threading.Event()

    def sweep_again_and_again() -> None:
        while not over.wait(pause):
            sweep(folder, seconds, stays)
            for kept in list(_all):
                kept.sweep()

    thread = threading.Thread(target=sweep_again_and_again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def sweep(folder: str | Path, seconds: float, stays: Collection[Path] = frozenset()) -> None:
    """Delete files in a folder that were last written so many seconds ago, and empty folders, but not what `stays`."""
    oldest = time.time() - seconds
    for parent, folders, files in os.walk(folder, topdown=False):
        for path in (Path(parent, name) for name in files):
            with contextlib.suppress(OSError):  # Gradio, too, moves and deletes
                if path not in stays and path.lstat().st_mtime < oldest:
                    path.unlink()
        for path in (Path(parent, name) for name in folders):
            with contextlib.suppress(OSError):  # it is not empty
                if path not in stays and path.lstat().st_mtime < oldest:
                    path.rmdir()
