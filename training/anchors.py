"""Anchors: vivid colours that are even over things, without a person's hints and without further training.

A vivid reading decides every place for itself: half a coat turns red, the other half stays gray. So the photo is parted
into a few clusters by lightness, place and proposed colours; each cluster's mean vivid colour becomes a hint of our own
at its most typical place; and the network, asked once more, spreads these few as it spreads a person's, evenly over
things. What it answers is drawn a little towards its mean over each cluster (`read`). That few anchors decide a
picture's colours is known from [1]_, where a network learns to place them.

What is here is also what the finished file does: `export` converts it as it stands.

References
----------
.. [1] M. Xia, W. Hu, T.-T. Wong, J. Wang, "Disentangled Image Colorization via Global Anchors", 2022,
   DOI 10.1145/3550454.3555432
"""

import numpy as np
from keras import ops

from lumachrome.contract import HINT_SIDE
from training import bins, hints

COUNT = 6  # anchors
GRID = (2, 3)  # of cells from which their clusters begin: along the short and the long side
STEPS = 6  # of soft k-means
SHARPNESS = 0.7  # a place belongs to the clusters by exp(-SHARPNESS * squared distance)
TYPICAL = 8.0  # and is typical of its own by that power
SPREAD = (12.0, 0.25, 8.0, 20.0)  # of L, place (shares of a side), mean colours and vivid colours: a distance of 1
GIVEN = 0.5  # share of a cluster that a person's hints decide, from which it gets no anchor
BOOST = 1.3  # on the vivid colours of anchors, as what is spread loses some
EVEN = 0.3  # how far vivid colours are drawn to their cluster's mean

SECTORS = 8  # of hue, among which another colouring chooses
GRAYEST = 15.0  # chroma below which a bin is in none of them: gray is no other colour
LIKELY = 0.08  # how likely another sector must be, beside the anchor's own, to be a choice


def place(L, logits, share, variant, point):
    """Where anchors lie in pictures, and what their colours are.

    Parameters
    ----------
    L : float tensor [N, h, w, 1]
        Lightness, averaged to the resolution of the logits.
    logits : float tensor [N, h, w, Q]
        Of a first run.
    share : float tensor [N, h, w, 1]
        How much of each place's colour a person's hints gave, 0 to 1. Those outrank anchors.
    variant : float tensor [1]
        0: each anchor's likeliest colours; 1 to 3: others, where there are any.
    point : tuple
        The vivid point, as `bins.Distribution.vivid_point` gives it.

    Returns
    -------
    anchors : float tensor [N, COUNT, 5]
        x and y as fractions of width and height; a and b, CIELAB units; and how much of the picture the anchor stands
        for, 0 where it is not there.
    belongs : float tensor [N, COUNT, h * w]
        How much of each place belongs to each anchor's cluster.
    """
    inverse_temperature, offsets, colors = point
    n, height, width = (ops.shape(logits)[i] for i in range(3))
    read = ops.softmax(inverse_temperature * logits + ops.cast(offsets, 'float32'), axis=-1)
    read = ops.reshape(read, (n, height * width, len(bins.BINS)))
    vivid = ops.matmul(read, ops.cast(colors, 'float32'))
    faithful = ops.reshape(bins.mean(logits), (n, height * width, 2))
    free = 1 - ops.reshape(share, (n, height * width, 1))

    x, y, cells = _grid(height, width)
    where = ops.broadcast_to(ops.stack([x, y]), (n, 2, height * width))
    light, near, mean, bright = SPREAD
    lightness = ops.reshape(L, (n, 1, height * width))
    proposed = [ops.transpose(faithful / mean, (0, 2, 1)), ops.transpose(vivid / bright, (0, 2, 1))]
    features = ops.concatenate([lightness / light, where / near, *proposed], axis=1)

    belongs = ops.broadcast_to(cells, (n, COUNT, height * width))
    for _ in range(STEPS):
        closeness = -SHARPNESS * _distances(features, _means(belongs, ops.transpose(features, (0, 2, 1))))
        # A softmax over the clusters, written out, as onnxruntime's is slow over an axis that is not the last
        likely = ops.exp(closeness - ops.max(closeness, axis=1, keepdims=True))
        belongs = likely / ops.sum(likely, axis=1, keepdims=True)
    centres = _means(belongs, ops.transpose(features, (0, 2, 1)))
    typical = ops.softmax(-TYPICAL * _distances(features, centres), axis=-1)
    at = ops.matmul(typical, ops.transpose(where, (0, 2, 1)))
    # In the middle of a place, so that rounding moves no hint's edge; a seventh, as things in the middle lie on borders
    sides = ops.cast(ops.stack([width, height]), 'float32')
    at = (ops.floor(at * sides + 1 / 7) + 0.5) / sides

    likely = _means(belongs, read)  # [N, COUNT, Q]
    ab = ops.matmul(likely, ops.cast(colors, 'float32'))
    ab = BOOST * other_colors(likely, ab, variant, colors)
    weight = ops.mean(belongs, axis=-1)
    unclaimed = _means(belongs, free)[..., 0]
    weight = ops.where(unclaimed > GIVEN, weight, 0.0)
    return ops.concatenate([at, ab, ops.expand_dims(weight, -1)], axis=-1), belongs


def as_hints(anchors, height, width):
    """Anchors as a network takes hints: float tensor [N, COUNT, 6], in pixels of a picture of that size."""
    side = ops.maximum(HINT_SIDE * ops.cast(ops.minimum(height, width), 'float32'), 1.0)
    sides = ops.where(anchors[..., 4] > 0, side, 0.0)
    height, width = ops.cast(height, 'float32'), ops.cast(width, 'float32')
    places = hints.squares(anchors[..., :2], sides, height, width)
    return ops.concatenate([places, anchors[..., 2:4], ops.ones_like(anchors[..., :1])], axis=-1)


def read(faithful, spread, belongs, share, border, vividness):
    """The colours of pictures, after both looks at them.

    Parameters
    ----------
    faithful : float tensor [N, h, w, 2]
        The mean of what the network said first, CIELAB units; 0 on paper.
    spread : float tensor [N, h, w, 2]
        The mean of what it said when it saw the anchors.
    belongs : float tensor [N, COUNT, h * w]
        As of `place`.
    share : float tensor [N, h, w, 1]
        How much of each place's colour a person's hints gave. Those are not evened.
    border : float tensor [N, h, w, 1]
        How much of each place is paper: see `training.paper`.
    vividness : float tensor [1]
        0 is faithful, 1 what was spread.

    Returns
    -------
    float tensor [N, h, w, 2]
        ab, CIELAB units.
    """
    n, height, width = (ops.shape(spread)[i] for i in range(3))
    means = _means(belongs, ops.reshape(spread, (n, height * width, 2)))
    means = ops.reshape(ops.matmul(ops.transpose(belongs, (0, 2, 1)), means), (n, height, width, 2))
    vivid = (1 - border) * (spread + EVEN * (1 - share) * (means - spread))
    return faithful + vividness * (vivid - faithful)


def _grid(height, width):
    """x and y of all places as fractions [P], and which of them belong to each of the first cells [COUNT, P]."""
    rows, columns = ops.arange(height, dtype='int32'), ops.arange(width, dtype='int32')
    row = ops.reshape(ops.broadcast_to(ops.expand_dims(rows, 1), (height, width)), (height * width,))
    column = ops.reshape(ops.broadcast_to(ops.expand_dims(columns, 0), (height, width)), (height * width,))
    tall = ops.cast(height > width, 'int32')
    down, across = GRID[0] + tall * (GRID[1] - GRID[0]), GRID[1] - tall * (GRID[1] - GRID[0])
    cell = (row * down // height) * across + column * across // width
    cells = ops.cast(ops.equal(ops.expand_dims(ops.arange(COUNT, dtype='int32'), -1), cell), 'float32')
    x = (ops.cast(column, 'float32') + 0.5) / ops.cast(width, 'float32')
    y = (ops.cast(row, 'float32') + 0.5) / ops.cast(height, 'float32')
    return x, y, cells


def _means(belongs, values):
    """The mean in each cluster: [N, COUNT, P] and [N, P, C] to [N, COUNT, C]."""
    return ops.matmul(belongs, values) / (ops.sum(belongs, axis=-1, keepdims=True) + 1e-6)


def _distances(features, centres):
    """Squared distances of places [N, C, P] to centres [N, COUNT, C]: [N, COUNT, P]."""
    # By differences: products would lose the last digits, and two runtimes place anchors apart
    n, length, count = ops.shape(features)
    features = ops.reshape(features, (n, 1, length, count))  # expand_dims would let onnxruntime turn it all around
    return ops.sum((features - ops.expand_dims(centres, -1)) ** 2, axis=2)


def sectors():
    """To which sector of hue each bin belongs: float32 [Q, SECTORS], of gray bins none."""
    a, b = bins.BINS.T
    sector = np.floor((np.arctan2(b, a) / (2 * np.pi) % 1) * SECTORS + 0.5).astype(int) % SECTORS
    colored = np.hypot(a, b) >= GRAYEST
    return (colored[:, None] & (sector[:, None] == np.arange(SECTORS))).astype('float32')


def other_colors(likely, ab, variant, colors):
    """Colours of anchors in a variant: those of another likely sector of hue, where there is one.

    Parameters
    ----------
    likely : float tensor [N, COUNT, Q]
    ab : float tensor [N, COUNT, 2]
        Their own colours.
    variant : float tensor [1]
        1: everywhere the likeliest other sector; 2: the next; 3: the likeliest in every second anchor.
    colors : float array [Q, 2]
        What each bin stands for.

    Returns
    -------
    float tensor [N, COUNT, 2]
    """
    members = ops.cast(sectors(), 'float32')
    weight = ops.matmul(likely, members)  # [N, COUNT, SECTORS]
    sums = [ops.matmul(likely, members * ops.cast(colors[:, i : i + 1], 'float32')) for i in range(2)]
    means = ops.stack(sums, axis=-1) / (ops.expand_dims(weight, -1) + 1e-6)

    most = ops.max(weight, axis=-1, keepdims=True)
    first = _largest(weight)
    others = weight * _apart(first)  # a neighbour would be the same colour once more
    second = _largest(others)
    third = _largest(others * _apart(second))

    asked = ops.cast(variant, 'float32')
    by_turns = (np.arange(COUNT)[:, None] % 2 == 0).astype('float32')
    wants_second = ops.cast(asked == 1, 'float32') + ops.cast(asked == 3, 'float32') * by_turns
    wants_third = ops.cast(asked == 2, 'float32')

    def chosen(sector, wanted, own):
        mean = ops.sum(ops.expand_dims(sector, -1) * means, axis=2)
        there = ops.sum(sector * weight, axis=-1, keepdims=True) >= LIKELY * most
        return ops.where(ops.logical_and(there, ops.logical_and(wanted > 0, most > 1e-3)), mean, own)

    ab = chosen(second, wants_second, ab)
    return chosen(third, wants_third, ab)


def _largest(weight):
    """1 for the heaviest sector of [..., SECTORS], else 0."""
    return ops.cast(weight >= ops.max(weight, axis=-1, keepdims=True), 'float32')  # argmax does not reach ONNX


def _apart(sector):
    """1 for the sectors that are neither one (one-hot [..., SECTORS]) nor its neighbours, else 0."""
    return 1 - sector - ops.roll(sector, 1, axis=-1) - ops.roll(sector, -1, axis=-1)
