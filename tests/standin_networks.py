"""Stand-ins for the files that ship: networks whose colours are known, small enough to be read as text."""

import numpy as np
import onnx

from lumachrome import contract

# Colours that are known beforehand, in a 2 x 2 map: red above, blue below. Every input moves them, so that a test sees
# whether it arrived; red and blue are the gray level plus a and b, which stands in for the way back from CIELAB.
_NETWORK = """
<ir_version: 9, opset_import: ["" : 18]>
standin (uint8[N,H,W,3] photo, int64[1] render_size, float[1] saturation{extra_inputs})
    => (uint8[N,H,W,3] colorized, float[N,h,w,2] ab{extra_outputs})
<{extra_constants}
 float[1,2,2,2] colors = {{40, -10, 40, -10, -10, 40, -10, 40}}, int64[1] axis = {{3}}, int64[1] one = {{1}},
 int64[1] zero = {{0}}, int64[1] two = {{2}}, int64[1] four = {{4}}, float[1] thousand = {{1000}},
 float[1] own_size = {{256}},
 float[1] half = {{0.5}},
 float[1] low = {{0}}, float[1] high = {{255}}>
{{
    size = Cast <to = 1> (render_size)
    beyond = Sub (size, own_size)
    more = Div (beyond, thousand)
    shape = Shape <start = 0, end = 1> (photo)
    rest = Concat <axis = 0> (one, one, one)
    every = Concat <axis = 0> (shape, rest)
    own = Expand (colors, every)
    sized = Add (own, more)
    {extra_nodes}
    scaled = Mul (ab, saturation)
    gray = Cast <to = 1> (photo)
    {tail}
}}
"""
_JOIN = """
<ir_version: 9, opset_import: ["" : 18]>
join ({depth}[N,H,W,3] photo, float[N,h,w,2] ab, int64[2] rows = {{0, 0}}) => ({depth}[N,H,W,3] colorized)
<int64[1] axis = {{3}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, float[1] low = {{0}},
 float[1] high = {{{high}}}, float[1] unit = {{{unit}}}>
{{
    scaled = Mul (ab, unit)
    gray = Cast <to = 1> (photo)
    {tail}
}}
"""
_RENDER = """
<ir_version: 9, opset_import: ["" : 18]>
render (uint8[N,H,W,3] photo, int64[1] render_size) => (uint8[N,h,w,3] shown)
<int64[1] channels = {3}>
{
    batch = Shape <start = 0, end = 1> (photo)
    sizes = Concat <axis = 0> (batch, render_size, render_size, channels)
    shown = Resize <mode = "nearest"> (photo, , , sizes)
}
"""
_TAIL = """
    level = ReduceMean <keepdims = 1> (gray, axis)
    planes = Transpose <perm = [0, 3, 1, 2]> (scaled)
    upright = Transpose <perm = [0, 3, 1, 2]> (level)
    whole = Shape (upright)
    maps = Shape <start = 0, end = 2> (planes)
    {sides}
    sizes = Concat <axis = 0> (maps, sides)
    grown = Resize <mode = "nearest"> (planes, , , sizes)
    cut = {cut}
    enlarged = Transpose <perm = [0, 2, 3, 1]> (cut)
    a = Slice (enlarged, zero, one, axis)
    b = Slice (enlarged, one, two, axis)
    red = Add (level, a)
    blue = Add (level, b)
    joined = Concat <axis = 3> (red, level, blue)
    clipped = Clip (joined, low0, high0)
    colorized = Cast <to = {type}> (clipped)
"""
_WHOLE = {'sides': 'sides = Shape <start = 2> (upright)', 'cut': 'Identity (grown)'}
_BAND = {
    'sides': """
    first = Slice (rows, zero, one, zero)
    asked = Slice (rows, one, two, zero)
    height = Shape <start = 2, end = 3> (upright)
    width = Shape <start = 3> (upright)
    last = Add (first, height)
    all = Max (asked, last)
    sides = Concat <axis = 0> (all, width)
    """,
    'cut': 'Slice (grown, first, last, two)',
}
_PLAIN = 'ab = Identity (sized)'
# A distribution over nine bins: half of it on a colour, the rest on gray and on what might be there instead. A hint
# gives the quarter of the photo that it lies in to red, blue or gray. The mean is the faithful point, three times it
# the vivid one, to which each variant adds red where no hint is.
_STEERED = """
    quarters = Expand (likely, every)
    padded = Pad (hints, one_row, absent)
    x, y, hint_red, hint_green, hint_blue = Split <axis = 2, num_outputs = 5> (padded)
    is_there = GreaterOrEqual (x, low)
    there = Cast <to = 1> (is_there)
    is_right = GreaterOrEqual (x, half)
    right = Cast <to = 1> (is_right)
    left = Sub (there, right)
    columns = Concat <axis = 2> (left, right)
    is_lower = GreaterOrEqual (y, half)
    lower = Cast <to = 1> (is_lower)
    upper = Sub (unit, lower)
    rows = Concat <axis = 2> (upper, lower)
    redder = Sub (hint_red, hint_blue)
    share = Div (redder, high)
    bluer = Neg (share)
    as_red = Clip (share, zero_scalar, one_scalar)
    as_blue = Clip (bluer, zero_scalar, one_scalar)
    as_any = Add (as_red, as_blue)
    as_gray = Sub (unit, as_any)
    given = Concat <axis = 2> (as_gray, as_red, as_blue, there)
    drawn = Einsum <equation = "nky,nkx,nkv->nyxv"> (rows, columns, given)
    colored, count = Split <axis = 3> (drawn, three_and_one)
    covered = Max (count, unit)
    hinted = Div (colored, covered)
    known = Min (count, unit)
    told = MatMul (hinted, choices)
    unknown = Sub (unit, known)
    open = Mul (quarters, unknown)
    closed = Mul (told, known)
    probabilities = Add (open, closed)
    bins = Identity (grid)
    faithful = MatMul (probabilities, grid)
    twice = Add (vividness, vividness)
    times = Add (twice, unit)
    chosen = Mul (faithful, times)
    number = Cast <to = 1> (variant)
    felt = Mul (number, vividness)
    drift = Mul (felt, redward)
    drifts = Mul (unknown, drift)
    varied = Add (chosen, drifts)
    ab = Add (varied, more)
    each = Concat <axis = 0> (shape, one, one)
    anchors = Expand (no_anchor, each)
"""
BINS = [(0, 0), (40, -10), (-10, 40), (0, 30), (0, -30), (30, 0), (-30, 0), (80, 0), (0, -80)]
_REDWARD = (10, 0)  # what a variant adds to a and b, times its number
_ABOVE, _BELOW = [0.3, 0.5, 0, 0.1, 0.1, 0, 0, 0, 0], [0.3, 0, 0.5, 0, 0, 0.1, 0.1, 0, 0]
_CHOICES = [[float(i == chosen) for i in range(9)] for chosen in (0, 7, 8)]


def _numbers(values):
    return str(np.ravel(values).tolist()).strip('[]')


def _saved(text, path, **metadata):
    text = text.replace('low0', 'least').replace('high0', 'most')
    text = text.replace('    level =', '    least = Squeeze (low)\n    most = Squeeze (high)\n    level =')
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    onnx.helper.set_model_props(model, {contract.METADATA_PREFIX + key: value for key, value in metadata.items()})
    onnx.save(model, path)


def write(folder):
    """`plain`, `steered` (with all that can be set) and all other files, into a folder."""
    byte = _TAIL.format(type=onnx.TensorProto.UINT8, **_WHOLE)
    _saved(
        _NETWORK.format(extra_inputs='', extra_outputs='', extra_constants='', extra_nodes=_PLAIN, tail=byte),
        folder / 'plain.onnx',
        format=str(contract.FORMAT),
        network='plain',
        render_size='256',
    )
    _saved(
        _NETWORK.format(
            extra_inputs=', float[1] vividness, float[N,K,5] hints, float[1] reach, int64[1] variant',
            extra_outputs=', float[N,h,w,Q] probabilities, float[Q,2] bins, float[N,A,5] anchors',
            extra_constants=f"""
                float[1,2,2,9] likely = {{{_numbers([_ABOVE, _ABOVE, _BELOW, _BELOW])}}},
                float[9,2] grid = {{{_numbers(BINS)}}}, float[3,9] choices = {{{_numbers(_CHOICES)}}},
                int64[6] one_row = {{0, 0, 0, 0, 1, 0}}, float absent = {{-1}}, float[1] unit = {{1}},
                float zero_scalar = {{0}}, float one_scalar = {{1}}, int64[2] three_and_one = {{3, 1}},
                float[2] redward = {{{_numbers(_REDWARD)}}}, float[1,1,5] no_anchor = {{0.5, 0.5, 0, 0, 0}},
            """,
            extra_nodes=_STEERED,
            tail=byte,
        ),
        folder / 'steered.onnx',
        format=str(contract.FORMAT),
        network='steered',
        render_size='256',
    )
    (folder / 'render.onnx').write_bytes(onnx.parser.parse_model(_RENDER).SerializeToString())
    for depth, name in contract.JOINS.items():
        high = np.iinfo(depth).max
        band = _TAIL.format(type=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(depth)), **_BAND)
        _saved(_JOIN.format(depth=depth, high=high, unit=high // 255, tail=band), folder / name)
