"""Colour hints: squares of known colour on an empty map, and how a person would place them, simulated.

A hint map is float32 [N, H, W, 3]: a and b in CIELAB units and a mask, 1 inside a hint and 0 elsewhere; a and b are 0
where the mask is, and the average of the hints where some overlap. The simulation follows Zhang 2017, "Real-Time
User-Guided Image Colorization with Learned Deep Priors", section 3.2.
"""

import keras
from keras import ops

MOST = 64  # hints in one picture; a geometric number of mean 8 hardly ever gets there
MEAN_NUMBER = 8
SIDE = 6 / 256  # of a hint's square in the file, as a fraction of the short side: see demo.contract
SIDES = (1 / 256, 9 / 256)  # of a hint's square, as fractions of the short side
SPREAD = 1 / 4  # deviation of the places around the centre, as a fraction of each side


def _spans(centres, sides, length):
    """Which of `length` pixels each hint covers along one axis: [N, K], in pixels, to 0 or 1, [N, K, length]."""
    middles = ops.arange(length, dtype='float32') + 0.5
    offsets = middles - ops.expand_dims(centres, -1)
    half = ops.expand_dims(sides, -1) / 2
    return ops.cast(ops.logical_and(offsets >= -half, offsets < half), 'float32')


def places(points, sides, height, width):
    """The rows and columns that hints cover.

    Parameters
    ----------
    points : float tensor [N, K, 2]
        x and y as fractions of width and height; clipped so that the whole square lies inside.
    sides : float tensor [N, K]
        Side of each square in pixels, at least 1; 0 for a hint that is not there.

    Returns
    -------
    rows : float tensor [N, K, height]
    columns : float tensor [N, K, width]
    """
    half = sides / 2
    x = ops.clip(points[..., 0] * width, half, width - half)
    y = ops.clip(points[..., 1] * height, half, height - half)
    return _spans(y, sides, height), _spans(x, sides, width)


def colours_at(ab, rows, columns):
    """The mean colour under each hint: ab [N, H, W, 2] to [N, K, 2]."""
    # Rows first, then columns: two small products instead of one [N, K, H, W] mask
    sums = ops.einsum('nkh,nhwc->nkwc', rows, ab)
    sums = ops.einsum('nkw,nkwc->nkc', columns, sums)
    area = ops.sum(rows, -1) * ops.sum(columns, -1)
    return sums / ops.maximum(ops.expand_dims(area, -1), 1.0)


def draw(rows, columns, colours):
    """The hint map [N, H, W, 3] of hints at `places` with `colours` [N, K, 2]."""
    values = ops.concatenate([colours, ops.ones_like(colours[..., :1])], axis=-1)
    sums = ops.einsum('nkh,nkwc->nhwc', rows, ops.expand_dims(columns, -1) * ops.expand_dims(values, 2))
    covers = sums[..., 2:]
    return ops.concatenate([sums[..., :2] / ops.maximum(covers, 1.0), ops.minimum(covers, 1.0)], axis=-1)


def simulate(ab, without, seed):
    """Hints as somebody who knows the true colours would give them.

    Parameters
    ----------
    ab : float tensor [N, H, W, 2]
        The true colours.
    without : float
        Share of the pictures that get no hint. The others get a geometric number of them.
    seed : keras.random.SeedGenerator

    Returns
    -------
    float tensor [N, H, W, 3]
    """
    n, height, width = ops.shape(ab)[:3]

    def uniform(shape):
        return keras.random.uniform(shape, seed=seed)

    # Inverse of the geometric distribution function; at least one hint
    tail = ops.maximum(uniform((n, 1)), 1e-6)
    number = 1 + ops.floor(ops.log(tail) / ops.log(1 - 1 / MEAN_NUMBER))
    number = ops.where(uniform((n, 1)) < without, 0.0, number)
    points = 0.5 + SPREAD * keras.random.normal((n, MOST, 2), seed=seed)
    low, high = (share * min(height, width) for share in SIDES)
    sides = ops.maximum(ops.round(low + (high - low) * uniform((n, MOST))), 1.0)
    sides = ops.where(ops.arange(MOST, dtype='float32') < number, sides, 0.0)
    rows, columns = places(points, sides, height, width)
    return draw(rows, columns, colours_at(ab, rows, columns))
