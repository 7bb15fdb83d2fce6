"""The tail compiled by numba, if that is installed (`lumachrome[fast]`): what join.onnx does, in a tenth of the time.

numba takes a second to load, and two more when it has to compile because nothing is kept from an earlier run: so it is
looked for when the first photo is joined, not before.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BAND = 500_000  # pixels, at least, that are worth a thread


@functools.cache
def joins() -> dict[str, tuple[Any, Any]] | None:
    """Of each type of photo the loop and its tables; None without numba."""
    try:
        from lumachrome import tail
    except ImportError:  # also one that does not go with this NumPy
        return None
    return {'uint8': (tail.join_bytes, tail.byte_tables()), 'uint16': (tail.join_words, tail.word_tables())}


def join(photo: Array, ab: Array, first: int, height: int, threads: int) -> Array:
    """Colors joined to a band of a photo, in as many threads.

    Parameters
    ----------
    photo : uint8 or uint16 array [rows, W, 1, 3 or 4]
    ab : array [h, w, 2]
        Of the whole photo.
    first, height : int
        The band's first row, and the height of the whole photo.
    threads : int

    Returns
    -------
    array [rows, W, 3 or 4], type of `photo`
        A fourth channel is taken over.
    """
    found = joins()
    assert found is not None
    loop, tables = found[photo.dtype.name]
    photo, ab = np.ascontiguousarray(photo), np.ascontiguousarray(ab, np.float32)
    joined = np.empty((*photo.shape[:2], max(photo.shape[2], 3)), photo.dtype)
    bands = max(1, min(threads, len(photo), photo.shape[0] * photo.shape[1] // BAND))
    edges = [len(photo) * i // bands for i in range(bands + 1)]

    def run(start: int, end: int) -> None:
        loop(photo[start:end], ab, first + start, height, joined[start:end], tables)

    if bands == 1:
        run(0, len(photo))
    else:
        with ThreadPoolExecutor(bands) as pool:
            list(pool.map(run, edges[:-1], edges[1:]))
    return joined
