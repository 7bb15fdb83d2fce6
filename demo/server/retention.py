"""Nothing that visitors send or get stays: neither what Gradio knows of, nor what it loses sight of.

That is uploads that broke off, files that no component shows, and every folder.
"""

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path

KEPT_MINUTES = 60  # how long a photo stays on the server


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
