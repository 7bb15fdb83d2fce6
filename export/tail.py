"""The tail: colours of a small map joined with a photo's own luminance, at full size.

    photo ─▶ luminance Y ────────────┐
    ab    ─▶ enlarged ─▶ X and Z ────┴─▶ linear RGB ─▶ into the gamut ─▶ sRGB

Every function states its part against a `Graph`. `tail` lays planes of rows around them, for onnxruntime: strips that
fit a processor's cache (Scan), operators that are one pass over memory each. `export.loops` makes loops over pixels of
the same statements. Transcendental functions are replaced by tables and polynomials where 8 bits cannot tell.

A tensor of the statements is a plane [rows, W] or a scalar; one with several channels has them first.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from numpy.polynomial import Chebyshev, Polynomial
from onnx import TensorProto

from export.graph import Graph
from export.scalar import Scalar, computed, scalars
from lumachrome import contract
from training import lab

KNEE = 0.0031308  # of the sRGB curve, in linear light
TANGENT = 6 / 29  # where the cube of CIELAB's inverse passes into its tangent
TOE = 7.787  # slope of CIELAB's f below
FULL = 65535  # of the luminance as an integer, and of a 16-bit photo
SHIFTS = (1 / 500, -1 / 200)  # what a and b add to CIELAB's f of X and Z

# White is here what the matrix makes of it, in the fifth digit not `lab.WHITE`, so that no color stays exactly gray.
WHITE_TO_RGB = np.linalg.inv(lab.RGB_TO_XYZ / lab.RGB_TO_XYZ.sum(1, keepdims=True))


# Planes


def tail(g: Graph, ab: str, depth: np.dtype[Any], is_band: bool = False) -> None:
    """`colorized`: the photo's luminance joined with `ab` [N, h, w, 2], strip by strip.

    The columns of ab are enlarged beforehand, which is a small tensor; its rows inside the strip. Of a band of a photo
    `rows` says where it lies.
    """
    side = [g.Shape(contract.PHOTO, start=i, end=i + 1) for i in range(3)]
    n, height, width = side
    shifts = g.Mul(g.Transpose(ab, perm=[3, 0, 1, 2]), np.reshape(SHIFTS, (2, 1, 1, 1)))
    shifts = g.Resize(shifts, '', '', g.Concat(g.Shape(shifts, end=3), width, axis=0), mode='linear')

    strips = g.Div(g.Sub(g.Add(height, rows := g.Max(contract.STRIP_ROWS, 1)), 1), rows)
    rows = g.Div(g.Sub(g.Add(height, strips), 1), strips)  # evenly, so that the last strip is hardly shorter
    scalars = [g.Squeeze(x, [0]) for x in (n, g.Mul(strips, rows))]
    index = g.Range(np.int64(0), scalars[1], np.int64(1))
    row = g.Min(index, g.Sub(height, 1))  # rows beyond the last repeat it, and are cut off in the end
    row_of_whole, whole = row, height
    if is_band:
        first, whole = g.Split(contract.ROWS, outputs=2, axis=0, num_outputs=2)
        first = g.Max(first, 0)
        row_of_whole, whole = g.Add(row, first), g.Max(whole, g.Add(first, height))

    small_rows = g.Shape(ab, start=1, end=2)
    numbers = [g.Cast(x, to=TensorProto.FLOAT) for x in (row_of_whole, small_rows, whole)]
    above, below, share = placed(g, *numbers)
    photos = g.Unsqueeze(g.Range(np.int64(0), scalars[0], np.int64(1)), [1])

    def by_strip(x: str) -> str:
        """[N, rows of a photo] to [strips of all photos, rows of a strip]."""
        return g.Reshape(x, g.Concat([-1], rows, axis=0))

    def among_all(row: str, rows: str) -> str:
        """The number of a row among those of all photos, each of which has so many."""
        return by_strip(g.Add(row, g.Mul(photos, rows)))

    above, below = (among_all(g.Cast(x, to=TensorProto.INT64), small_rows) for x in (above, below))
    done = g.Scan(
        among_all(row, height),
        above,
        below,
        by_strip(g.Expand(share, g.Concat(n, [1], axis=0))),
        body=strip(
            g.Reshape(contract.PHOTO, g.Concat([-1], width, [3], axis=0)),
            g.Reshape(shifts, g.Concat([2, -1], width, axis=0)),
            depth,
        ),
        num_scan_inputs=4,
    )
    done = g.Reshape(done, g.Concat(n, g.Mul(strips, rows), width, [3], axis=0))
    g.Slice(done, [0], height, [1], name=contract.COLORIZED)


def strip(photo_rows: str, shifts: str, depth: np.dtype[Any]) -> onnx.GraphProto:
    """One strip of one photo, as the body of a Scan: uint8 or uint16 [rows, W, 3].

    It takes its rows out of those of all photos [N * H, W, 3], and of all maps [2, N * h, W]: no photo is copied whole.
    """
    b = Graph('strip/')
    planes = b.Transpose(b.Gather(photo_rows, 'row', axis=0), perm=[2, 0, 1])
    above, below = b.Gather(shifts, 'above', axis=1), b.Gather(shifts, 'below', axis=1)
    shift = between(b, above, below, b.Unsqueeze('share', [1]))
    b.Transpose(encoded(b, colored(b, *luminance_of(b, planes, depth), shift), depth), perm=[1, 2, 0], name='joined')
    return b.graph(
        'strip',
        [
            ('row', np.int64, [None]),
            ('above', np.int64, [None]),
            ('below', np.int64, [None]),
            ('share', np.float32, [None]),
        ],
        [('strip/joined', depth, [None, None, 3])],
    )


# Statements


def placed(g: Graph, index: str, small: str, large: str) -> tuple[str, str, str]:
    """Between which two rows (or columns) of a small map one of a large photo lies, and how far below the first.

    All float32: half-pixel centres, held at the map's first and last row.
    """
    last = g.Sub(small, 1.0, name='last')
    place = g.Sub(g.Mul(g.Add(index, 0.5), g.Div(small, large)), 0.5)
    place = g.Max(g.Min(place, last), 0.0, name='place')
    above = g.Floor(place, name='above_it')
    return above, g.Min(g.Add(above, 1.0), last), g.Sub(place, above)


def between(b: Graph, above: str, below: str, share: str) -> str:
    """What lies between two rows."""
    return b.Add(above, b.Mul(b.Sub(below, above), share))


def luminance_of(b: Graph, planes: str, depth: np.dtype[Any]) -> tuple[str, str]:
    """Y and CIELAB's f(Y), float32, of sRGB of type `depth`, 3 channels."""
    return (luminance_of_bytes if depth == np.uint8 else luminance_of_words)(b, planes)


def colored(b: Graph, luminance: str, fy: str, shift: str) -> str:
    """Linear RGB, 3 channels of 0 to 1: a luminance with colours.

    `shift` has two channels, a and b times `SHIFTS`.
    """
    # The inverse of f without a choice: the cube above the tangent point, the tangent below it.
    t = b.Add(shift, fy, name='t')
    cubed = b.Max(t, TANGENT, name='cubed')
    xz = b.Add(b.Mul(b.Mul(cubed, cubed), cubed), b.Mul(b.Sub(t, cubed), 1 / TOE))
    # What differs from gray, whose X, Y and Z are equal: each row of the matrix adds up to 1.
    x, z = b.Split(b.Sub(xz, luminance, name='difference'), outputs=2, axis=0, num_outputs=2)
    chroma = b.Add(b.Mul(x, _column(0)), b.Mul(z, _column(2)), name='chroma')
    return in_gamut(b, chroma, luminance)


def encoded(b: Graph, light: str, depth: np.dtype[Any]) -> str:
    """sRGB of type `depth` of linear light."""
    return (linear_to_bytes if depth == np.uint8 else linear_to_words)(b, light)


def _column(i: int) -> npt.NDArray[np.float64]:
    return WHITE_TO_RGB[:, i].reshape(3, 1, 1)


def srgb_to_linear(g: Graph, rgb: str) -> str:
    """Linear light of sRGB, both 0 to 1, as `training.lab.srgb_to_linear`."""
    # Each part is held at the knee where the other one counts, so that neither needs a choice.
    knee = 0.04045
    above = g.Pow(g.Div(g.Add(g.Max(rgb, knee), 0.055), 1.055), 2.4)
    return g.Add(above, g.Div(g.Sub(g.Min(rgb, knee), knee), 12.92))


def f(g: Graph, t: str, name: str | None = None) -> str:
    """CIELAB's f: the cube root, and a straight line in the dark."""
    knee = TANGENT**3
    return g.Add(g.Pow(g.Max(t, knee), 1 / 3), g.Mul(g.Sub(g.Min(t, knee), knee), TOE), name=name)


def in_gamut(b: Graph, chroma: str, luminance: str) -> str:
    """Linear RGB pulled toward the gray of its own luminance until it fits: luminance and hue direction stay."""
    tiny = np.float32(1e-6)
    r, g, c = b.Split(chroma, outputs=3, axis=0, num_outputs=3)
    room_above = b.Div(b.Sub(1.0, luminance), b.Max(r, g, c, tiny), name='room_above')
    room_below = b.Div(luminance, b.Neg(b.Min(r, g, c, -tiny)), name='room_below')
    fit = b.Min(room_above, room_below, 1.0, name='fit')
    return b.Add(luminance, b.Mul(chroma, fit), name='light')


def luminance_of_bytes(b: Graph, planes: str) -> tuple[str, str]:
    """Y and f(Y), float32 [1, rows, W], of sRGB uint8 [3, rows, W].

    Y is a sum of three table entries in integers of 1/65535. The three tables add up to the gray one exactly, so a gray
    strip may take the shorter way and gives the same bytes.
    """
    # As int32 from here on: that indexes, and CUDA compares no bytes.
    levels = b.Split(b.Cast(planes, to=TensorProto.INT32), outputs=3, axis=0, num_outputs=3)
    tables = luminance_tables()
    short, long = Graph('gray/'), Graph('color/')
    short.Gather(sum(tables), levels[0], name='index')
    red, green, blue = (long.Gather(table, level) for table, level in zip(tables, levels, strict=True))
    long.Add(long.Add(red, green), blue, name='index')
    kind = (np.int32, [1, None, None])
    equal = b.And(b.Equal(levels[0], levels[1]), b.Equal(levels[1], levels[2]))
    is_gray = b.Cast(b.ReduceMin(b.Cast(equal, to=TensorProto.UINT8), keepdims=0), to=TensorProto.BOOL)
    index = b.If(
        is_gray,
        then_branch=short.graph('gray', [], [('gray/index', *kind)]),
        else_branch=long.graph('color', [], [('color/index', *kind)]),
    )
    return b.Mul(b.Cast(index, to=TensorProto.FLOAT), 1 / FULL, name='luminance'), b.Gather(
        fy_table(), index, name='fy'
    )


def luminance_of_words(b: Graph, planes: str) -> tuple[str, str]:
    """The same of uint16, by the formula of f itself: no table of 65,536 luminances keeps 16 bits apart."""
    light = b.Gather(light_table(FULL), b.Cast(planes, to=TensorProto.INT32))
    luminance = b.ReduceSum(b.Mul(light, lab.RGB_TO_XYZ[1].reshape(3, 1, 1)), [0], name='luminance')
    return luminance, f(b, luminance, name='fy')


def linear_to_bytes(b: Graph, light: str) -> str:
    """sRGB uint8 of linear light, 0 to 1: a quartic in the fourth root, within a hundredth of a level."""
    curve = Chebyshev.interpolate(lambda s: 255 * (1.055 * s ** (4 / 2.4) - 0.055), 4, [KNEE**0.25, 1])
    coefficients = curve.convert(kind=Polynomial).coef
    # Each part is held at the knee where the other one counts; the half makes rounding of the cut.
    coefficients[0] += 0.5 - 12.92 * 255 * KNEE
    root = b.Sqrt(b.Sqrt(b.Max(light, KNEE)), name='root')
    first, *rest, result = coefficients
    for coefficient in reversed(rest):
        result = b.Add(b.Mul(root, result), coefficient)
    curve = b.Add(b.Mul(root, result), first, name='curve')
    return b.Cast(b.Add(curve, b.Mul(b.Min(light, KNEE), 12.92 * 255)), to=TensorProto.UINT8)


def linear_to_words(b: Graph, light: str) -> str:
    """sRGB uint16 of linear light, 0 to 1, by the formula itself."""
    above = b.Mul(b.Pow(b.Max(light, KNEE), 1 / 2.4), 1.055 * FULL)
    toe = b.Mul(b.Min(light, KNEE), 12.92 * FULL)
    offset = 0.5 - 0.055 * FULL - 12.92 * FULL * KNEE
    return b.Cast(b.Add(b.Add(above, toe), offset), to=TensorProto.UINT16)


# Tables


def light_of(g: Graph, level: str, full: float) -> str:
    """Linear light, 0 to 1, of an sRGB level."""
    return srgb_to_linear(g, g.Div(level, full))


def luminance_of_level(g: Graph, level: str) -> str:
    """What a level of 8 bits adds to the luminance as red, green and blue, in integers of 1 / `FULL`.

    The parts add up to the rounded luminance of the gray level.
    """
    light = light_of(g, level, 255.0)
    red, green, blue = lab.RGB_TO_XYZ[1] * FULL
    red, gray, blue = (
        g.Round(g.Mul(light, part), name=name)
        for name, part in (('of_red', red), ('of_gray', red + green + blue), ('of_blue', blue))
    )
    return g.Concat(red, g.Sub(g.Sub(gray, red), blue), blue, axis=0)


def fy_of(g: Graph, index: str) -> str:
    """f of a luminance in integers of 1 / `FULL`."""
    return f(g, g.Div(index, float(FULL)))


def luminance_tables() -> list[npt.NDArray[np.int32]]:
    """`luminance_of_level` of all levels: red, green, blue."""
    return [table.astype(np.int32) for table in _table(luminance_of_level, 255)]


def fy_table() -> npt.NDArray[np.float32]:
    """`fy_of` of all luminances."""
    return _table(fy_of, FULL)[0].astype(np.float32)


def light_table(full: int) -> npt.NDArray[np.float32]:
    """`light_of` of all levels."""
    return _table(lambda g, level: light_of(g, level, float(full)), full)[0].astype(np.float32)


def _table(statement: Callable[[Graph, str], str], last: int) -> list[npt.NDArray[np.float64]]:
    """What a statement gives of all integers up to the last, a table for each channel."""
    g = Graph()
    result = statement(g, 'index')
    channels = scalars(g, {'index': [Scalar('', 'index')]})[result]
    return [computed(channel, index=np.arange(last + 1.0)) for channel in channels]
