"""Which photos a network has learnt from, as a text for the metadata of its file."""

import base64
import zlib

import numpy as np
import numpy.typing as npt


def packed(learnt: npt.NDArray[np.uint64]) -> str:
    """Numbers of photos as a short text, for the metadata of a finished file: three bytes a photo where there are many.

    Of each number only its upper half is kept, of those what each adds to the one before, compressed.
    """
    steps = np.diff(np.unique(learnt >> 32), prepend=np.uint64(0)).astype('>u4')
    planes = steps.view('uint8').reshape(-1, 4).T  # the upper bytes are mostly 0
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def unpacked(text: str) -> npt.NDArray[np.uint64]:
    """The upper halves of the numbers that were `packed`, in order; none of an empty text."""
    if not text:
        return np.zeros(0, 'uint64')
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), 'uint8').reshape(4, -1)
    return np.cumsum(np.ascontiguousarray(planes.T).view('>u4')[:, 0], dtype='uint64')
