"""The photos that the notebooks show and learn from: those that scientific libraries ship, or a folder of the reader's.

They are few, so networks here learn them by heart sooner than they learn colour: good for seeing how it is done, no
measure of anything.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import keras
import matplotlib.cbook
import numpy as np
from PIL import Image, ImageOps
from skimage import data
from sklearn.datasets import load_sample_image

from lumachrome.errors import UserError
from training import photos

LONGEST = 480  # pixels of a photo's longer side: enough for the figures
FEWEST = 8  # photos in a folder of the reader's: fewer cannot be parted into learning and judging


class SamplesError(UserError):
    """What is wrong with the reader's photos, in one sentence."""


def _grace_hopper():
    path = matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)
    with Image.open(str(path)) as image:
        return np.asarray(image.convert('RGB'))


SHIPPED = {
    'astronaut': data.astronaut,
    'cat': data.chelsea,
    'china': lambda: load_sample_image('china.jpg'),
    'coffee': data.coffee,
    'flower': lambda: load_sample_image('flower.jpg'),
    'grace_hopper': _grace_hopper,
    'motorcycle': lambda: data.stereo_motorcycle()[0],
    'rocket': data.rocket,
}


def photo(name: str) -> np.ndarray:
    """One of the photos that the libraries ship, its longer side at most `LONGEST` pixels: uint8 [H, W, 3]."""
    image = Image.fromarray(np.asarray(SHIPPED[name]()))
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR)
    return np.asarray(image)


def folder_of(pictures: dict[str, np.ndarray], folder: str | Path) -> Path:
    """Write pictures as .png files into a folder, for what reads folders."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f'{name}.png')
    return folder


def read(folder: str | Path = '') -> list[np.ndarray]:
    """All shipped photos, or those of a folder: list of uint8 [H, W, 3].

    Raises
    ------
    SamplesError
        If there are fewer than `FEWEST` colour photos in the folder.
    training.photos.PhotosError
        If it does not exist, or holds no colour photo.
    """
    if not folder:
        return [photo(name) for name in SHIPPED]
    found = photos.read([folder], 64)  # knows what is a photo, and which have colour
    if len(found) < FEWEST:
        raise SamplesError(
            f'{folder} holds {len(found)} colour photos, and {FEWEST} are needed: add some, or leave FOLDER empty for '
            'the photos that come with the libraries.'
        )
    pictures, names = [], set(found.names)
    for member in photos.find([folder]):
        if member.name in names:
            with Image.open(io.BytesIO(member.read())) as image:  # which may lie in a .tar file
                image = ImageOps.exif_transpose(image).convert('RGB')
                image.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR)
                pictures.append(np.asarray(image))
    return pictures


def crops(pictures: Sequence[np.ndarray], count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Random parts of photos, taken from each in turn: uint8 [count, height, width, 3].

    A part is as large as half of the photo or more, and is scaled with its aspect kept.
    """
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        picture = pictures[i % len(pictures)]
        tall, wide = picture.shape[:2]
        scale = min(tall / height, wide / width) * rng.uniform(0.5, 1)
        x, y = rng.uniform(0, wide - scale * width), rng.uniform(0, tall - scale * height)
        box = (x, y, x + scale * width, y + scale * height)
        part = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, box=box)
        found.append(np.asarray(part))
    return np.stack(found)


def machine() -> str:
    """What computes here, in a sentence."""
    devices = keras.distribution.list_devices()
    if any(device.startswith('cpu') for device in devices):
        return 'There is no accelerator here, and none is needed: every notebook takes minutes on a CPU.'
    return f'{len(devices)} accelerator(s) found: the cells that train will take seconds.'
