"""The whole file around a network: what happens to a photo before it (head) and to its colours after it (tail).

    photo ─▶ smaller, L, padded ─▶ network ─▶ cut, read as ab ─▶ enlarged, joined with its luminance ─▶ colorized
             └────── head ──────┘             └────────────────────────────── tail ──────────────────────────────┘

The constants are scikit-image's, by way of `training.lab`; names, types and ranges are `lumachrome.contract`'s.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from export.convert import Converted
from export.graph import Graph, Tensors
from export.reading import bounded, included, look_twice, read_distribution
from export.tail import f, srgb_to_linear, tail
from lumachrome import contract
from training import anchors, bins, lab

RENDERED = 'rendered'  # the tensor that holds the photo as the network is shown it: uint8 [N, 3, h, w]
STRIP_ROWS = 64  # fewer rows cost more in calls than they save in cache, more the other way (tests/benchmarks/join.py)
# Of inputs that may be left out; a band as high as the photo is the whole
DEFAULTS = {contract.STRIP_ROWS: [STRIP_ROWS], contract.ROWS: [0, 0]}
# Of the contract's tensors, once a network is known
SIDES: dict[int | str, int] = {'Q': len(bins.BINS), 'A': anchors.COUNT}
LARGEST = 3.4e38  # a little less than the largest float32: only infinities are above


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


def padding_to(g: Graph, size: str, multiple: int) -> str:
    """Rows and columns that are missing to a multiple: int64 [2]."""
    return g.Mod(g.Sub(multiple, g.Mod(size, multiple)), multiple)


def hint_squares(g: Graph, size: str) -> str:
    """The hints for the network, float32 [N, K + 1, 6], of those in `hints`: see `training.hints`.

    All reach as far as `reach` says. One that is not there comes last, so that no tensor is empty: onnxruntime's MatMul
    mistakes those.
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
    present = g.Cast(present, to=TensorProto.FLOAT)
    return g.Concat(centres, g.Mul(present, side), ab, g.Mul(present, bounded(g, contract.REACH)), axis=2)
