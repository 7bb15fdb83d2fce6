"""Photos and ZIPs of them, for the tests of albums."""

import time
import zipfile

import numpy as np
from PIL import Image


def photo_file(path, size=(40, 30)):
    """A gray photo as a file; gives its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.linspace(80, 170, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)).save(path)
    return path


def zip_of(path, photo, *names, **more):
    """A ZIP with one photo under several names, and other content."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.write(photo, name)
        for name, content in more.items():
            archive.writestr(name, content)
    return path


def names_in(path):
    """The names in a ZIP that is whole, in order."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return sorted(archive.namelist())


def redness(path, name, folder):
    """Red minus green of the first pixel of a photo in a ZIP: 40 where the stand-in coloured it."""
    with zipfile.ZipFile(path) as archive:
        pixels = np.asarray(Image.open(archive.extract(name, folder))).astype(int)
    return pixels[0, 0, 0] - pixels[0, 0, 1]


def until(holds, seconds=60, pause=0.05):
    """Wait until something holds; how long that takes depends on what else the machine does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(pause)
