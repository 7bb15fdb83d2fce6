"""Pictures as arrays: what a colorizer is given, brought into the shape and depth that `lumachrome.contract` states."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from lumachrome import contract

Array = npt.NDArray[Any]


def checked(photo: Array) -> Array:
    """A photo as an array [H, W, 3 or 4], uint8 or uint16; raises TypeError or ValueError if it is none."""
    photo = np.asarray(photo)
    if photo.dtype.name not in contract.JOINS:
        raise TypeError(f'A photo is an array of uint8 or uint16, not of {photo.dtype}.')
    photo = photo.astype(photo.dtype.newbyteorder('='), copy=False)  # PNG and some TIFF readers give '>u2'
    if photo.ndim == 2:
        photo = photo[..., None]
    if photo.ndim != 3 or photo.shape[2] not in (1, 3, 4) or 0 in photo.shape:
        raise ValueError(f'A photo has the shape [H, W] or [H, W, 1, 3 or 4], not {list(photo.shape)}.')
    return np.broadcast_to(photo, (*photo.shape[:2], 3)) if photo.shape[2] == 1 else photo


def array_of(image: Image.Image) -> Array:
    """A Pillow image, turned upright, as an array [H, W, 3 or 4], uint8; raises ValueError if its white is unknown."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ('I', 'F'):
        raise ValueError(f'A Pillow image of mode {image.mode} has no known range: make it 8 or 16 bits first.')
    if image.mode.startswith('I;16'):
        image = Image.fromarray(eight_bits(np.asarray(image)))
    return np.asarray(image.convert('RGBA' if image.has_transparency_data else 'RGB'))


def seen(photo: Array) -> Array:
    """What a network looks at of a `checked` photo, uint8 [H, W, 3]: what is transparent has become white."""
    photo = np.ascontiguousarray(eight_bits(photo) if photo.dtype == np.uint16 else photo)
    if photo.shape[2] == 3:
        return photo
    white = Image.new('RGBA', photo.shape[1::-1], 'white')
    return np.asarray(Image.alpha_composite(white, Image.fromarray(photo)).convert('RGB'))


def eight_bits(photo: Array) -> Array:
    """uint16 pixels as uint8, row by row: the products take 32 bits each, and photos may be large."""
    return np.stack([((row.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8) for row in photo])
