"""The whole file around a network: what happens to a photo before it (head) and to its colours after it (tail).

    photo ─▶ smaller, L, padded ─▶ network ─▶ cut, read as ab ─▶ enlarged, joined with its luminance ─▶ colorized
             └────── head ──────┘             └────────────────────────────── tail ──────────────────────────────┘

The constants are scikit-image's, by way of `training.lab`; names, types and ranges are `lumachrome.contract`'s.

The tail works in strips of rows that fit a processor's cache (Scan), in operators that are one pass over memory each:
transcendental functions are replaced by tables and polynomials where 8 bits cannot tell the difference.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from numpy.polynomial import Chebyshev, Polynomial
from onnx import TensorProto

from export.convert import Converted
from export.graph import Graph, Tensors
from export.reading import bounded, included, look_twice, read_distribution
from lumachrome import contract
from training import anchors, bins, lab

RENDERED = 'rendered'  # the tensor that holds the photo as the network is shown it: uint8 [N, 3, h, w]
STRIP_ROWS = 64  # fewer rows cost more in calls than they save in cache, more the other way (tests/benchmarks/join.py)
# Of inputs that may be left out; a band as high as the photo is the whole
DEFAULTS = {contract.STRIP_ROWS: [STRIP_ROWS], contract.ROWS: [0, 0]}
KNEE = 0.0031308  # of the sRGB curve, in linear light
TANGENT = 6 / 29  # where the cube of CIELAB's inverse passes into its tangent
TOE = 7.787  # slope of CIELAB's f below
FULL = 65535  # of the luminance as an integer, and of a 16-bit photo
# Of the contract's tensors, once a network is known
SIDES: dict[int | str, int] = {'Q': len(bins.BINS), 'A': anchors.COUNT}
LARGEST = 3.4e38  # a little less than the largest float32: only infinities are above

# White is here what the matrix makes of it, in the fifth digit not `lab.WHITE`, so that no color stays exactly gray.
WHITE_TO_RGB = np.linalg.inv(lab.RGB_TO_XYZ / lab.RGB_TO_XYZ.sum(1, keepdims=True))


def build(converted: Converted) -> onnx.ModelProto:
    """The whole file, without metadata.

    Parameters
    ----------
    converted : export.convert.Converted

    Returns
    -------
    onnx.ModelProto
        As `lumachrome.contract` states it.
    """
    g = Graph()
    is_own = g.Equal(contract.RENDER_SIZE, [0])
    size = rendered_size(g, g.Where(is_own, [converted.render_size], asked_size(g)))
    L = lightness(g, render(g, size))
    padding = padding_to(g, size, converted.multiple)
    padded = g.Pad(L, g.Concat([0, 0, 0, 0, 0, 0], padding, axis=0), mode='edge')
    inside = g.Div(size, converted.stride)
    if converted.anchors is not None:
        look_twice(g, converted, L, padded, hint_squares(g, size), inside)
    else:
        hints = [hint_squares(g, size)] if converted.takes_hints else []
        answer = g.Slice(included(g, converted.model, [padded, *hints])[0], [0, 0], inside, [1, 2])
        if converted.distribution is None:
            g.Identity(answer, name=contract.AB)
        else:
            read_distribution(g, answer, converted.distribution)
    tail(g, g.Mul(contract.AB, bounded(g, contract.SATURATION)), np.dtype('uint8'))
    return finished(g, converted.name, *contract.network_tensors(converted.features))


def build_join(depth: npt.DTypeLike) -> onnx.ModelProto:
    """The tail alone: `photo` of type `depth`, one of `contract.JOINS`, and `ab` to `colorized`."""
    depth = np.dtype(depth)
    g = Graph()
    tail(g, contract.AB, depth, is_band=True)
    return finished(g, 'join', *contract.join_tensors(depth.name))


def build_render() -> onnx.ModelProto:
    """The head's first step alone: `photo` and `render_size` to `shown`, as `contract.render_tensors` states it."""
    g = Graph()
    planes = render(g, rendered_size(g, asked_size(g)))
    g.Transpose(planes, perm=[0, 2, 3, 1], name=contract.SHOWN)
    return finished(g, 'render', *contract.render_tensors())


def finished(g: Graph, name: str, inputs: list[contract.Tensor], outputs: list[contract.Tensor]) -> onnx.ModelProto:
    """The model; what may be left out is an input that is an initializer too."""
    for tensor in inputs:
        if tensor.optional:
            default = Graph()
            default.constant(np.array(DEFAULTS[tensor.name]))
            default.initializers[0].name = tensor.name
            g.include(default.graph('default', [], []))

    def described(tensors: list[contract.Tensor]) -> Tensors:
        return [(t.name, t.dtype, [SIDES.get(side, side) for side in t.shape]) for t in tensors]

    return g.model(name, described(inputs), described(outputs))


# Head


def asked_size(g: Graph) -> str:
    """`render_size` within its limits."""
    low, high = (np.int64(limit) for limit in contract.limits(contract.RENDER_SIZE))
    return g.Clip(contract.RENDER_SIZE, low, high)


def rendered_size(g: Graph, wanted: str) -> str:
    """Height and width, int64 [2], at which a network looks that wants so long a short side: all in integers, so that
    everyone gets the same."""
    height, width = (g.Shape(contract.PHOTO, start=i, end=i + 1) for i in (1, 2))
    short = g.Min(height, width)
    step = contract.RENDER_STEP

    def rendered(side: str) -> str:
        """side * wanted / short, rounded to steps."""
        steps = g.Div(g.Add(g.Mul(g.Mul(side, wanted), [2]), g.Mul(short, [step])), g.Mul(short, [2 * step]))
        return g.Mul(steps, [step])

    longest = g.Mul(rendered(short), [contract.LONGEST_ASPECT])
    return g.Concat(g.Min(rendered(height), longest), g.Min(rendered(width), longest), axis=0)


def render(g: Graph, size: str) -> str:
    """The photo as the network is shown it: uint8 [N, 3, h, w], as Pillow's BILINEAR makes it."""
    height, width = g.Split(size, outputs=2, axis=0, num_outputs=2)
    planes = resized(g, g.Transpose(contract.PHOTO, perm=[0, 3, 1, 2]), width)
    planes = resized(g, g.Transpose(planes, perm=[0, 1, 3, 2]), height)
    return g.Transpose(planes, perm=[0, 1, 3, 2], name=RENDERED)


def resized(g: Graph, planes: str, length: str) -> str:
    """Another length for the last of 4 axes: as Pillow, which does one axis after the other and rounds in between.

    Each row is a picture of its own, one pixel high, in one batch: onnxruntime's CUDA (1.31.1) fills its buffer between
    the axes only as far as the result is long, so that pictures which shrink in height come out wrong, and of a batch
    all but the first (resize_antialias_impl.cu). The Reshape also keeps the optimizer from moving a Transpose through
    the Resize, which it does wrongly or where there is no kernel for that.
    """
    rows = g.Reshape(planes, g.Concat([1, -1, 1], g.Shape(planes, start=3), axis=0))
    sizes = g.Concat(g.Shape(rows, end=3), length, axis=0)
    # exclude_outside: at the border Pillow's kernel counts only pixels that are there.
    rows = g.Resize(rows, '', '', sizes, mode='linear', antialias=1, exclude_outside=1)
    return g.Reshape(rows, g.Concat(g.Shape(planes, end=3), length, axis=0))


def lightness(g: Graph, rgb: str) -> str:
    """CIELAB L, float32 [N, 1, h, w], of sRGB uint8 [N, 3, h, w]."""
    light = srgb_to_linear(g, g.Div(g.Cast(rgb, to=TensorProto.FLOAT), 255.0))
    luminance = g.ReduceSum(g.Mul(light, lab.RGB_TO_XYZ[1].reshape(3, 1, 1)), [1])
    return g.Sub(g.Mul(f(g, luminance), 116.0), 16.0)


def srgb_to_linear(g: Graph, rgb: str) -> str:
    """Linear light of sRGB, both 0 to 1, as `training.lab.srgb_to_linear`."""
    # Each part is held at the knee where the other one counts, so that neither needs a choice.
    knee = 0.04045
    above = g.Pow(g.Div(g.Add(g.Max(rgb, knee), 0.055), 1.055), 2.4)
    return g.Add(above, g.Div(g.Sub(g.Min(rgb, knee), knee), 12.92))


def f(g: Graph, t: str) -> str:
    """CIELAB's f: the cube root, and a straight line in the dark."""
    knee = TANGENT**3
    return g.Add(g.Pow(g.Max(t, knee), 1 / 3), g.Mul(g.Sub(g.Min(t, knee), knee), TOE))


def padding_to(g: Graph, size: str, multiple: int) -> str:
    """Rows and columns that are missing to a multiple: int64 [2]."""
    return g.Mod(g.Sub(multiple, g.Mod(size, multiple)), multiple)


def hint_squares(g: Graph, size: str) -> str:
    """The hints for the network, float32 [N, K + 1, 5], of those in `hints`: see `training.hints`.

    One that is not there comes last, so that no tensor is empty: onnxruntime's MatMul mistakes those.
    """
    hints = g.Pad(contract.HINTS, [0, 0, 0, 0, 1, 0], np.float32(-1))
    finite = g.Less(g.ReduceMax(g.Where(g.IsNaN(hints), np.float32(np.inf), g.Abs(hints)), [2]), LARGEST)
    present = g.And(finite, g.GreaterOrEqual(g.Slice(hints, [0], [1], [2]), 0.0))
    hints = g.Where(present, hints, 0.0)

    light = srgb_to_linear(g, g.Div(g.Clip(g.Slice(hints, [2], [5], [2]), np.float32(0), np.float32(255)), 255.0))
    x, y, z = g.Split(f(g, g.MatMul(light, (lab.RGB_TO_XYZ / lab.WHITE[:, None]).T)), outputs=3, axis=2, num_outputs=3)
    ab = g.Concat(g.Mul(g.Sub(x, y), 500.0), g.Mul(g.Sub(y, z), 200.0), axis=2)

    sides = g.Cast(size, to=TensorProto.FLOAT)
    side = g.Max(g.Mul(g.ReduceMin(sides), contract.HINT_SIDE), 1.0)
    half = g.Div(side, 2.0)
    lengths = g.Gather(sides, np.array([1, 0]))
    centres = g.Mul(g.Slice(hints, [0], [2], [2]), lengths)
    centres = g.Max(g.Min(centres, g.Sub(lengths, half)), half)
    return g.Concat(centres, g.Mul(g.Cast(present, to=TensorProto.FLOAT), side), ab, axis=2)


# Tail


def tail(g: Graph, ab: str, depth: np.dtype[Any], is_band: bool = False) -> None:
    """`colorized`: the photo's luminance joined with `ab` [N, h, w, 2], strip by strip.

    The columns of ab are enlarged beforehand, which is a small tensor; its rows inside the strip. Of a band of a photo
    `rows` says where it lies.
    """
    side = [g.Shape(contract.PHOTO, start=i, end=i + 1) for i in range(3)]
    n, height, width = side
    # a/500 and -b/200: what X and Z add to CIELAB's f
    shifts = g.Mul(g.Transpose(ab, perm=[3, 0, 1, 2]), np.array([1 / 500, -1 / 200]).reshape(2, 1, 1, 1))
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

    # Where each row lies in the small map: half-pixel centres, held at its first and last row
    small_rows = g.Shape(ab, start=1, end=2)
    small = g.Cast(small_rows, to=TensorProto.FLOAT)
    scale = g.Div(small, g.Cast(whole, to=TensorProto.FLOAT))
    place = g.Sub(g.Mul(g.Add(g.Cast(row_of_whole, to=TensorProto.FLOAT), 0.5), scale), 0.5)
    place = g.Max(g.Min(place, g.Sub(small, 1.0)), 0.0)
    above = g.Floor(place)
    share = g.Sub(place, above)
    below = g.Min(g.Add(above, 1.0), g.Sub(small, 1.0))

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

    It takes its rows out of those of all photos [N * H, W, 3], and of all maps [2, N * h, W]: a photo is copied never.
    """
    b = Graph('strip/')
    pixels = b.Unsqueeze(b.Gather(photo_rows, 'row', axis=0), [0])  # [1, rows, W, 3]
    planes = b.Transpose(pixels, perm=[0, 3, 1, 2])
    luminance, fy = (luminance_of_bytes if depth == np.uint8 else luminance_of_words)(b, planes)

    above, below = b.Gather(shifts, 'above', axis=1), b.Gather(shifts, 'below', axis=1)  # [2, rows, W]
    shift = b.Add(above, b.Mul(b.Sub(below, above), b.Unsqueeze('share', [1])))

    # The inverse of f without a choice: the cube above the tangent point, the tangent below it.
    t = b.Add(shift, fy)
    cubed = b.Max(t, TANGENT)
    x, z = b.Split(
        b.Add(b.Mul(b.Mul(cubed, cubed), cubed), b.Mul(b.Sub(t, cubed), 1 / TOE)), outputs=2, axis=1, num_outputs=2
    )

    def column(i: int) -> npt.NDArray[np.float64]:
        return WHITE_TO_RGB[:, i].reshape(1, 3, 1, 1)

    light = b.Add(b.Add(b.Mul(x, column(0)), b.Mul(z, column(2))), b.Mul(luminance, column(1)))
    light = in_gamut(b, light, luminance)
    encode = linear_to_bytes if depth == np.uint8 else linear_to_words
    b.Squeeze(b.Transpose(encode(b, light), perm=[0, 2, 3, 1]), [0], name='joined')
    return b.graph(
        'strip',
        [
            ('row', np.int64, [None]),
            ('above', np.int64, [None]),
            ('below', np.int64, [None]),
            ('share', np.float32, [None]),
        ],
        [('joined', depth, [None, None, 3])],
    )


def in_gamut(b: Graph, light: str, luminance: str) -> str:
    """Linear RGB pulled toward the gray of its own luminance until it fits: luminance and hue direction stay."""
    chroma = b.Sub(light, luminance)
    tiny = np.float32(1e-6)
    r, g, c = b.Split(chroma, outputs=3, axis=1, num_outputs=3)
    room_above = b.Div(b.Sub(1.0, luminance), b.Max(r, g, c, tiny))
    room_below = b.Div(luminance, b.Neg(b.Min(r, g, c, -tiny)))
    return b.Add(luminance, b.Mul(chroma, b.Min(room_above, room_below, 1.0)))


def luminance_of_bytes(b: Graph, planes: str) -> tuple[str, str]:
    """Y and f(Y), float32 [1, 1, rows, W], of sRGB uint8 [1, 3, rows, W].

    Y is a sum of three table entries in integers of 1/65535. The three tables add up to the gray one exactly, so a gray
    strip may take the shorter way and gives the same bytes.
    """
    light = lab.RGB_TO_XYZ[1] * _linear_table(256)[:, None]
    gray = np.round(FULL * light.sum(1)).astype('int32')
    red, blue = (np.round(FULL * light[:, i]).astype('int32') for i in (0, 2))
    tables = (red, gray - red - blue, blue)
    # As int32 from here on: that indexes, and CUDA compares no bytes.
    parts = b.Split(b.Cast(planes, to=TensorProto.INT32), outputs=3, axis=1, num_outputs=3)

    def looked_up(branch: Graph, table: npt.NDArray[np.int32], plane: str) -> str:
        return branch.Gather(table, plane)

    short, long = Graph('gray/'), Graph('color/')
    looked_up(short, gray, parts[0])
    last = short.nodes[-1].output
    last[0] = 'gray/luminance'
    sums = [looked_up(long, table, part) for table, part in zip(tables, parts, strict=True)]
    long.Add(long.Add(sums[0], sums[1]), sums[2], name='color/luminance')
    kind = (np.int32, [1, 1, None, None])
    equal = b.And(b.Equal(parts[0], parts[1]), b.Equal(parts[1], parts[2]))
    is_gray = b.Cast(b.ReduceMin(b.Cast(equal, to=TensorProto.UINT8), keepdims=0), to=TensorProto.BOOL)
    index = b.If(
        is_gray,
        then_branch=short.graph('gray', [], [('gray/luminance', *kind)]),
        else_branch=long.graph('color', [], [('color/luminance', *kind)]),
    )
    steps = np.arange(FULL + 1) / FULL
    knee = TANGENT**3
    fy = np.cbrt(np.maximum(steps, knee)) + TOE * (np.minimum(steps, knee) - knee)
    return b.Mul(b.Cast(index, to=TensorProto.FLOAT), 1 / FULL), b.Gather(fy.astype('float32'), index)


def luminance_of_words(b: Graph, planes: str) -> tuple[str, str]:
    """The same of uint16, by the formulas themselves: no table of 65,536 levels keeps 16 bits apart."""
    light = srgb_to_linear(b, b.Div(b.Cast(planes, to=TensorProto.FLOAT), float(FULL)))
    luminance = b.ReduceSum(b.Mul(light, lab.RGB_TO_XYZ[1].reshape(3, 1, 1)), [1])
    return luminance, f(b, luminance)


def linear_to_bytes(b: Graph, light: str) -> str:
    """sRGB uint8 of linear light, 0 to 1: a quartic in the fourth root, within a hundredth of a level."""
    curve = Chebyshev.interpolate(lambda s: 255 * (1.055 * s ** (4 / 2.4) - 0.055), 4, [KNEE**0.25, 1])
    coefficients = curve.convert(kind=Polynomial).coef
    # Each part is held at the knee where the other one counts; the half makes rounding of the cut.
    coefficients[0] += 0.5 - 12.92 * 255 * KNEE
    root = b.Sqrt(b.Sqrt(b.Max(light, KNEE)))
    *rest, result = coefficients
    for coefficient in reversed(rest):
        result = b.Add(b.Mul(root, result), coefficient)
    return b.Cast(b.Add(result, b.Mul(b.Min(light, KNEE), 12.92 * 255)), to=TensorProto.UINT8)


def linear_to_words(b: Graph, light: str) -> str:
    """sRGB uint16 of linear light, 0 to 1, by the formula itself."""
    above = b.Mul(b.Pow(b.Max(light, KNEE), 1 / 2.4), 1.055 * FULL)
    toe = b.Mul(b.Min(light, KNEE), 12.92 * FULL)
    offset = 0.5 - 0.055 * FULL - 12.92 * FULL * KNEE
    return b.Cast(b.Add(b.Add(above, toe), offset), to=TensorProto.UINT16)


def _linear_table(levels: int) -> npt.NDArray[np.float64]:
    """Linear light, 0 to 1, of each sRGB level."""
    v = np.arange(levels) / (levels - 1)
    return np.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)
