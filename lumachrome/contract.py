"""The contract of a Lumachrome file: what goes in and comes out, as data.

    photo, render_size, saturation [, vividness, hints, reach, variant]
        ──▶  colorized, ab [, probabilities, bins, anchors]

`reach`, `variant` and `anchors` came with format 2; all else is as in format 1, and programs read both.

Everything that writes such a file (`export`) or reads one (`Colorizer`) takes names, types, shapes and ranges from
here; nothing else states them. Values out of range are clipped in the graph, never an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FORMAT = 2  # that is written
FORMATS = (1, 2)  # that are read
OPSET = 18
IR_VERSION = 9  # the newest that goes with opset 18

# Inputs
PHOTO = 'photo'
RENDER_SIZE = 'render_size'
SATURATION = 'saturation'
VIVIDNESS = 'vividness'
HINTS = 'hints'
REACH = 'reach'
VARIANT = 'variant'
STRIP_ROWS = 'strip_rows'
ROWS = 'rows'

# Outputs
COLORIZED = 'colorized'
AB = 'ab'
PROBABILITIES = 'probabilities'
BINS = 'bins'
ANCHORS = 'anchors'
SHOWN = 'shown'  # of `RENDER`

# What a network may have beyond the colours themselves
DISTRIBUTION = 'distribution'  # it says how likely each colour is
TAKES_HINTS = 'hints'
REACHES = 'reaches'  # hints, and how far they spread can be set
ANCHORED = 'anchored'  # distribution and hints: it gives itself hints, which make vivid colors even


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a file.

    Attributes
    ----------
    name : str
    dtype : str
        NumPy's name of its type.
    shape : tuple of int and str
        A letter stands for a length that the photo decides, or the network (Q).
    meaning : str
    limits : pair of number, optional
        The range to which values are clipped.
    needs : str
        What a network must have for the tensor to be there: '' (nothing), `DISTRIBUTION`, `TAKES_HINTS`, `REACHES`
        or `ANCHORED`.
    optional : bool
        Whether a caller may leave it out.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    meaning: str
    limits: tuple[float, float] | None = None
    needs: str = ''
    optional: bool = False


_PHOTO = ('N', 'H', 'W', 3)
_STRIP_ROWS = Tensor(
    STRIP_ROWS, 'int64', (1,), 'rows that the tail works on at a time (on a GPU pass some 4,000,000 / W)', optional=True
)
_ROWS = Tensor(
    ROWS,
    'int64',
    (2,),
    'where `photo` lies if it is a band of a photo: its first row, and the height of the whole; 0, 0 is no band',
    optional=True,
)

INPUTS = (
    Tensor(PHOTO, 'uint8', _PHOTO, 'sRGB; of a colour photo only the luminance is used'),
    Tensor(
        RENDER_SIZE,
        'int64',
        (1,),
        "short side in pixels at which the network looks; 0 is the network's own",
        (32, 1024),
    ),
    Tensor(SATURATION, 'float32', (1,), 'factor on a and b; 0 gives the gray photo', (0.0, 4.0)),
    Tensor(
        VIVIDNESS, 'float32', (1,), '0 is the mean of the likely colours, 1 the vivid point', (0.0, 1.0), DISTRIBUTION
    ),
    Tensor(
        HINTS,
        'float32',
        ('N', 'K', 5),
        'x, y as fractions of width and height, then R, G, B from 0 to 255; x < 0 is padding, and K may be 0',
        needs=TAKES_HINTS,
    ),
    Tensor(REACH, 'float32', (1,), 'factor on how far hints spread; 1 is what was learnt', (0.1, 4.0), REACHES),
    Tensor(
        VARIANT,
        'int64',
        (1,),
        '0: the likeliest vivid coloring; 1 to 3: others, thing by thing; without vividness all are the same',
        (0, 3),
        ANCHORED,
    ),
    _STRIP_ROWS,
)
OUTPUTS = (
    Tensor(COLORIZED, 'uint8', _PHOTO, "sRGB, with the photo's own luminance"),
    Tensor(
        AB, 'float32', ('N', 'h', 'w', 2), "colours at the network's resolution, before saturation, in CIELAB units"
    ),
    Tensor(PROBABILITIES, 'float32', ('N', 'h', 'w', 'Q'), 'how likely each bin is', needs=DISTRIBUTION),
    Tensor(BINS, 'float32', ('Q', 2), "the bins' a and b", needs=DISTRIBUTION),
    Tensor(
        ANCHORS,
        'float32',
        ('N', 'A', 5),
        'x, y as fractions, a, b, and the share of the photo that each stands for: 0 if it is not there',
        needs=ANCHORED,
    ),
)

JOINS = {'uint8': 'join.onnx', 'uint16': 'join16.onnx'}  # the tail alone: type of the photo to the file's name
RENDER = 'render.onnx'  # the head's first step alone: the photo as a network is shown it
PARTS = frozenset({*JOINS.values(), RENDER})  # files without a network


def network_tensors(features: Iterable[str]) -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and outputs of a file whose network has `features` (see `Tensor.needs`)."""
    had = {'', *features}
    return [t for t in INPUTS if t.needs in had], [t for t in OUTPUTS if t.needs in had]


def join_tensors(dtype: str) -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and outputs of the tail alone for photos of a type in `JOINS`.

    `rows` came with format 2, after its first files: a reader must not count on it.
    """
    photo, colorized = (Tensor(name, dtype, _PHOTO, 'sRGB') for name in (PHOTO, COLORIZED))
    ab = Tensor(AB, 'float32', ('N', 'h', 'w', 2), 'CIELAB units, of the whole photo')
    return [photo, ab, _STRIP_ROWS, _ROWS], [colorized]


def render_tensors() -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and outputs of `RENDER`: a photo and a size (0 is none here) to a small photo, which is shown as it is."""
    taken = [tensor for tensor in INPUTS if tensor.name in (PHOTO, RENDER_SIZE)]
    return taken, [Tensor(SHOWN, 'uint8', ('N', 'h', 'w', 3), 'sRGB, as large as `rendered_shape` says')]


def limits(name: str) -> tuple[float, float]:
    """The range of an input."""
    for tensor in INPUTS:
        if tensor.name == name and tensor.limits is not None:
            return tensor.limits
    raise KeyError(name)


RENDER_STEP = 4  # both sides as rendered are multiples of this
LONGEST_ASPECT = 4  # the long side as rendered is at most this many times the short one
HINT_SIDE = 6 / 256  # side of a hint's square, as a fraction of the short side


def rendered_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width at which a network looks at a photo whose short side it wants to be `size` pixels.

    All in integers, so that everyone gets the same. A photo of that shape is looked at as it is, if it is asked for
    with its own short side.

    >>> rendered_shape(3000, 4000, 256)
    (256, 340)
    >>> rendered_shape(256, 340, 256)
    (256, 340)
    """
    short, step = min(height, width), RENDER_STEP
    sides = [(2 * side * size + short * step) // (2 * short * step) * step for side in (height, width)]
    longest = LONGEST_ASPECT * min(sides)
    return min(sides[0], longest), min(sides[1], longest)


# Keys of metadata_props
METADATA_PREFIX = 'lumachrome.'
METADATA_KEYS = (
    'format',
    'network',
    'multiple',
    'render_size',
    'takes_hints',
    'vivid',
    'training',
    'learnt',
    'metrics',
    'verified',
    'licence',
    'created',
)
