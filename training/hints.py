"""Colour hints: squares of known colour, and how a person would place them, simulated.

Hints are float32 [N, K, 6]: x and y of a square's centre and its side, all in pixels of the picture, then a and b in
CIELAB units, and how far it reaches, 1 being what was learnt; a side of 0 is a hint that is not there. The simulation
follows [1]_. In the finished file all squares are of one size, `lumachrome.contract.HINT_SIDE`.

References
----------
.. [1] R. Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, arXiv:1705.02999,
   section 3.2
"""

import keras
import numpy as np
from keras import ops

from training import lab

COLUMNS = 6  # of a hint
MOST = 100  # hints in one picture
SIDES = (1 / 256, 9 / 256)  # of a hint's square, as fractions of the short side
SPREAD = 1 / 4  # standard deviation of the places around the centre, as a fraction of each side

# What belongs to a thing that is recoloured: what hangs together with the hint's place and is like it, in CIELAB units
LIKE_L, LIKE_AB = 14.0, 11.0
CELL = 4  # pixels of the cells that hang together or not
AREA = (0.005, 0.5)  # of a thing, as a share of the picture
EDGE = 1.6  # how unlike what lies around a thing must be: a part of a clear sky is none
CHROMA = (15.0, 65.0)  # of its new colour


def squares(points, sides, height, width):
    """Where hints lie in a picture.

    Parameters
    ----------
    points : float tensor [N, K, 2]
        x and y as fractions of width and height.
    sides : float tensor [N, K]
        Side of each square in pixels, at least 1; 0 for a hint that is not there.

    Returns
    -------
    float tensor [N, K, 3]
        x and y in pixels, so that the whole square lies inside, and the side.
    """
    half = sides / 2
    x = ops.clip(points[..., 0] * width, half, width - half)
    y = ops.clip(points[..., 1] * height, half, height - half)
    return ops.stack([x, y, sides], axis=-1)


def reach_of(hints):
    """How far hints reach: float tensor [N, K], at least a hundredth; 1 where a network was kept before they told."""
    return ops.maximum(hints[..., 5], 0.01) if hints.shape[-1] == COLUMNS else ops.ones_like(hints[..., 0])


def covers(squares, height, width):
    """The rows and columns that squares [N, K, 3 or more] cover, 0 or 1: float tensors [N, K, H] and [N, K, W]."""

    def spans(centres, length):
        middles = ops.cast(ops.arange(length, dtype='int32'), 'float32') + 0.5
        offsets = middles - ops.expand_dims(centres, -1)
        half = squares[..., 2:3] / 2
        return ops.cast(ops.logical_and(offsets >= -half, offsets < half), 'float32')

    return spans(squares[..., 1], height), spans(squares[..., 0], width)


def colors_at(ab, squares):
    """The mean colour under each square: ab [N, H, W, 2] to [N, K, 2]."""
    rows, columns = covers(squares, *ops.shape(ab)[1:3])
    # Rows first, then columns: two small products instead of one [N, K, H, W] mask
    sums = ops.einsum('nkh,nhwc->nkwc', rows, ab)
    sums = ops.einsum('nkw,nkwc->nkc', columns, sums)
    area = ops.sum(rows, -1) * ops.sum(columns, -1)
    return sums / ops.maximum(ops.expand_dims(area, -1), 1.0)


def draw(hints, height, width):
    """The map of hints [N, K, 6]: float tensor [N, H, W, 3], a and b and a mask, 1 inside a hint and 0 elsewhere.

    a and b are 0 where the mask is, and the average of the hints where some overlap.
    """
    rows, columns = covers(hints, height, width)
    values = ops.concatenate([hints[..., 3:5], ops.ones_like(hints[..., :1])], axis=-1)
    # Each hint's columns with its values, summed over the hints for each row: one matrix product. Line by line a, b and
    # mask, as a division of whole lines is four times as fast as one of pairs
    lines = ops.reshape(ops.expand_dims(values, -1) * ops.expand_dims(columns, 2), (-1, ops.shape(hints)[1], 3 * width))
    sums = ops.reshape(ops.matmul(ops.transpose(rows, (0, 2, 1)), lines), (-1, height, 3, width))
    there = sums[:, :, 2:]
    drawn = ops.concatenate([sums[:, :, :2] / ops.maximum(there, 1.0), ops.minimum(there, 1.0)], axis=2)
    return ops.transpose(drawn, (0, 1, 3, 2))


def simulate(ab, without, seed):
    """Hints as somebody who knows the true colours would give them.

    Parameters
    ----------
    ab : float tensor [N, H, W, 2]
        The true colours.
    without : float
        Share of the pictures that get no hint. The others get 1 to `MOST`, few as often as many on a logarithmic scale:
        a geometric number, as in [1]_, hardly ever shows a picture full of hints.
    seed : keras.random.SeedGenerator

    Returns
    -------
    float tensor [N, MOST, 6]
    """
    n, height, width = ops.shape(ab)[:3]

    def uniform(shape):
        return keras.random.uniform(shape, seed=seed)

    number = ops.floor(ops.exp(np.log(MOST + 1) * uniform((n, 1))))
    number = ops.where(uniform((n, 1)) < without, 0.0, number)
    points = 0.5 + SPREAD * keras.random.normal((n, MOST, 2), seed=seed)
    low, high = (share * min(height, width) for share in SIDES)
    sides = ops.maximum(ops.round(low + (high - low) * uniform((n, MOST))), 1.0)
    sides = ops.where(ops.arange(MOST, dtype='float32') < number, sides, 0.0)
    places = squares(points, sides, height, width)
    return ops.concatenate([places, colors_at(ab, places), ops.ones((n, MOST, 1))], axis=-1)


def recolor(L, ab, hints, share, seed):
    """Give the thing under a picture's first hint another colour, as a person does whom the true one does not please.

    Who learns from true colours alone never sees what a hint is for where it contradicts the picture: that it fills a
    thing to its edges, and nothing beside it. Hints elsewhere keep the colours that are true there.

    Parameters
    ----------
    L : float tensor [N, H, W, 1]
        The true lightness; H and W multiples of `CELL`.
    ab : float tensor [N, H, W, 2]
        The true colours.
    hints : float tensor [N, K, 6]
        As `simulate` gives them.
    share : float
        Share of the pictures with hints in which a thing is recoloured, if one of fitting size is under the hint.
    seed : keras.random.SeedGenerator

    Returns
    -------
    ab : float tensor [N, H, W, 2]
        Colours that sRGB holds at this lightness.
    hints : float tensor [N, K, 6]
        The same places, with the colours that are there now.
    """
    n = ops.shape(L)[0]

    def uniform(low, high):
        return keras.random.uniform((n, 1, 1, 1), low, high, seed=seed)

    Lab = ops.concatenate([L / LIKE_L, ab / LIKE_AB], axis=-1)
    here = ops.expand_dims(colors_at(Lab, hints[:, :1]), 1)  # [N, 1, 1, 3]
    cells = ops.average_pool(Lab, CELL, CELL)
    unlike = ops.sqrt(ops.sum((cells - here) ** 2, axis=-1, keepdims=True) + 1e-6)
    like = ops.cast(unlike < 1, 'float32')
    height, width = ops.shape(cells)[1:3]
    first = hints[:, :1, :3] / CELL
    first = ops.concatenate([first[..., :2], ops.maximum(first[..., 2:], 1.0)], axis=-1)
    rows, columns = covers(first, height, width)
    thing = ops.expand_dims(ops.transpose(rows, (0, 2, 1)) * columns, -1)
    thing = ops.fori_loop(0, height, lambda _, x: ops.max_pool(x, 3, 1, padding='same') * like, thing)

    area = ops.mean(thing, axis=(1, 2, 3), keepdims=True)
    ring = ops.max_pool(thing, 3, 1, padding='same') - thing
    edge = ops.sum(ring * unlike, axis=(1, 2, 3), keepdims=True) / (ops.sum(ring, axis=(1, 2, 3), keepdims=True) + 1e-6)
    chosen = ops.logical_and(area >= AREA[0], area <= AREA[1])
    chosen = ops.logical_and(chosen, edge > EDGE)
    chosen = ops.logical_and(chosen, uniform(0, 1) < share)
    chosen = ops.logical_and(chosen, ops.reshape(hints[:, 0, 2], (n, 1, 1, 1)) > 0)

    around = ops.repeat(ops.repeat(thing + ring, CELL, axis=1), CELL, axis=2)
    distance = ops.sqrt(ops.sum((Lab - here) ** 2, axis=-1, keepdims=True) + 1e-6)
    inside = around * ops.sigmoid(6 * (1.2 - distance))  # cells are coarser than the edges of things
    hue, chroma = uniform(0, 2 * np.pi), uniform(*CHROMA)
    color = chroma * ops.concatenate([ops.cos(hue), ops.sin(hue)], axis=-1)
    varied = color + 0.5 * (ab - LIKE_AB * here[..., 1:])
    wished = lab.rgb_to_lab(lab.joined(L, ab + inside * (varied - ab)))[1]
    ab = ops.where(chosen, wished, ab)
    return ab, ops.concatenate([hints[..., :3], colors_at(ab, hints), hints[..., 5:]], axis=-1)
