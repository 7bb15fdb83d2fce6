"""How many pictures a photo file holds: pages, frames of an animation, photos taken as one."""

import warnings
from pathlib import Path
from typing import Any

from PIL import Image, MpoImagePlugin

_FORMATS = ('AVIF', 'HEIF', 'JPEG', 'PNG', 'TIFF')  # whose further pictures libvips may pass over


def count(path: Path) -> int:
    """The number of pictures in an AVIF, HEIC, JPEG (MPO), PNG (APNG) or TIFF file; 1 for others.

    The smaller ones of an MPO are not counted: they are previews, and maps of brightness or depth that belong to the
    first one.
    """
    try:
        with warnings.catch_warnings(action='ignore'), Image.open(path, formats=_FORMATS) as picture:
            if not isinstance(picture, MpoImagePlugin.MpoImageFile):
                return getattr(picture, 'n_frames', 1)
            return _of_one_size(picture)
    except Exception:  # Pillow's plug-ins raise what they like, and the first picture may be sound
        return 1


def _of_one_size(picture: Any) -> int:
    size, found = picture.size, 1
    for index in range(1, picture.n_frames):
        picture.seek(index)
        found += picture.size == size
    return found
