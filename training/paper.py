"""Where a scan shows the paper that a photo was printed on: borders that are nearly flat, light, and touch the edge.

A network takes such a border for a wall or a sky and gives it a tint. Nobody misses it there, so it is kept neutral.
A sky touches the edge, too; what makes a border of paper is that it runs along the whole of two opposite edges, equally
light on both.
"""

from keras import ops

from training import bins

LIGHT = (65.0, 75.0)  # L: nothing as dark as the first is paper, all that is lighter than the second may be
ROUGH = (1.5, 3.0)  # mean deviation of L along an edge: at the first it is flat, at the second it is not
UNLIKE = (4.0, 8.0)  # how far L may be from the edge's own: up to the first it is the same paper, beyond the second not


GRAY = (bins.BINS == 0).all(-1).astype('float32')  # [Q]: what paper is for sure


def borders(L, share):
    """How much of each place is paper.

    Nothing here is a sharp yes or no, as two runtimes that differ in the last digit would then part.

    Parameters
    ----------
    L : float tensor [N, h, w, 1]
        Lightness, 0 to 100.
    share : float tensor [N, h, w, 1]
        How much of each place's colour a person's hints gave: they may paint paper.

    Returns
    -------
    float tensor [N, h, w, 1]
        0 to 1.
    """
    L = L[..., 0]
    left, right = _edge(L[:, :, :1], 1), _edge(L[:, :, -1:], 1)
    top, bottom = _edge(L[:, :1], 2), _edge(L[:, -1:], 2)
    framed = ops.maximum(_pair(left, right), _pair(top, bottom))
    across = ops.maximum(_reached(L, left, 2, False), _reached(L, right, 2, True))
    down = ops.maximum(_reached(L, top, 1, False), _reached(L, bottom, 1, True))
    most = ops.maximum(across, down)
    return (1 - share) * ops.expand_dims(framed * most, -1)


def _edge(line, axis):
    """An edge's lightness [N, 1, 1], and how surely it is paper by itself, 0 to 1."""
    lightness = ops.mean(line, axis=axis, keepdims=True)
    rough = ops.mean(ops.abs(line - lightness), axis=axis, keepdims=True)
    return lightness, _falling(rough, *ROUGH) * (1 - _falling(lightness, *LIGHT))


def _pair(one, other):
    """How surely two opposite edges are of the same paper."""
    return one[1] * other[1] * _falling(ops.abs(one[0] - other[0]), *UNLIKE)


def _reached(L, edge, axis, from_end):
    """How far the paper goes from an edge: [N, h, w], 1 up to where other lightness begins, 0 beyond it."""
    lightness, flat = edge
    other = 1 - _falling(ops.abs(L - lightness), *UNLIKE)
    crossed = ops.cumsum(other, axis=axis)
    if from_end:
        crossed = ops.sum(other, axis=axis, keepdims=True) - crossed + other
    return flat * ops.relu(1 - crossed)


def _falling(value, high, low):
    """1 up to `high`, 0 from `low` on, a straight line in between."""
    return ops.clip((low - value) / (low - high), 0.0, 1.0)
