"""How large a photo may be: what a door allows, and what this machine's memory and disk have room for; its cores.

A photo that does not fit is refused by its header, before it is decoded: later the system might end any program.
"""

import os
import shutil
from pathlib import Path

from lumachrome.errors import PhotoError

# Resident memory from the decoder to the written file, beside what is there for any photo, by what is written: a
# little less than was measured at 60 megapixels, so that nothing is refused that fits. JPEG keeps its coefficients.
BYTES_A_PIXEL = {'jpeg': 20, 'deep': 18, 'other': 9, 'rows': 4}
SPARE_BYTES = 500_000_000  # of the disk, left free for others
NO_MEMORY = '{name} is too large for the memory of this machine.'  # where that is seen when it happens

_CONTAINER = Path('/sys/fs/cgroup')  # control groups of Linux, version 2
_MEMORY = Path('/proc/meminfo')


def free_memory() -> int | None:
    """Bytes of memory to be had: what is free, or what a container may have more than it has; None if nobody says.

    Swap counts, and where a system tells of no free memory, all that it has.
    """
    try:
        stated = dict(line.split()[:2] for line in _MEMORY.read_text().splitlines())
        free = 1024 * (int(stated['MemAvailable:']) + int(stated['SwapFree:']))
    except (OSError, KeyError, ValueError):  # no Linux
        try:
            free = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
        except (AttributeError, OSError, ValueError):  # Windows
            return None
    return left_by_container(free)


def left_by_container(free: int) -> int:
    """Of the machine's free bytes of memory, those that a container may have more than it has."""
    try:
        most, used, stat = ((_CONTAINER / f'memory.{name}').read_text() for name in ('max', 'current', 'stat'))
        given_up = dict(line.split() for line in stat.splitlines())['inactive_file']  # when it is needed
        return min(free, int(most) - int(used) + int(given_up))
    except (OSError, KeyError, ValueError):  # no container, or one without a limit
        return free


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def check_size(width: int, height: int, kind: str, name: str, max_pixels: int, free: int | None) -> None:
    """Raise PhotoError for a photo that is too large.

    Parameters
    ----------
    width, height : int
        In pixels.
    kind : str
        A key of `BYTES_A_PIXEL`; 'deep' is 16 bits a channel.
    name : str
        How people know the photo.
    max_pixels : int
        How many the door allows.
    free : int or None
        Bytes of free memory; None where nobody knows.
    """
    if width * height > max_pixels:
        raise PhotoError(too_large(name, max_pixels))
    fitting = max_pixels if free is None else free // BYTES_A_PIXEL[kind]
    if width * height > fitting:
        raise PhotoError(
            f'{name} has {width * height / 1e6:,.1f} megapixels, and the free memory of this machine takes '
            f'{fitting / 1e6:,.1f}: close other programs, or make it smaller first.'
        )


def too_large(name: str, max_pixels: int) -> str:
    """What is said of a photo with more pixels than a door allows."""
    return f'{name} has more than {max_pixels // 1_000_000} megapixels: make it smaller first.'


def has_room(folder: str | Path, size: int) -> bool:
    """Whether the disk of a folder takes so many bytes and keeps `SPARE_BYTES` free."""
    return shutil.disk_usage(folder).free >= size + SPARE_BYTES


def make_sure_of_room(folder: str | Path, size: int, name: str) -> None:
    """Raise PhotoError where the disk of a folder has no room for so many bytes of a photo."""
    if not has_room(folder, size):
        raise PhotoError(f'{name} finds no room on the disk of this machine.')
