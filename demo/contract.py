"""The contract of a Lumachrome file, format 1: the names, types and ranges of what goes in and comes out.

Everything that writes such a file (`export`) or reads one (`demo`) takes these from here; nothing else states them.

    photo, render_size, saturation [, vividness] [, hints]  ──▶  colorized, ab [, probabilities, bins]

=============  ==================  ==============================================================================
input          type, shape         meaning
=============  ==================  ==============================================================================
photo          uint8 [N, H, W, 3]  sRGB; of a colour photo only the luminance is used
render_size    int64 [1]           short side in pixels at which the network looks; 0 means the network's own
saturation     float32 [1]         factor on a and b; 0 gives the gray photo
vividness      float32 [1]         0 is the mean of the predicted colours, 1 the vivid point (distributions only)
hints          float32 [N, K, 5]   x, y as fractions of width and height, then R, G, B, 0 to 255; x < 0 is padding
strip_rows     int64 [1]           may be left out: rows that the tail works on at a time (on a GPU pass H)
=============  ==================  ==============================================================================

=============  ====================  ============================================================================
output         type, shape           meaning
=============  ====================  ============================================================================
colorized      uint8 [N, H, W, 3]    sRGB, with the photo's own luminance
ab             float32 [N, h, w, 2]  colours at the network's resolution, before saturation, in CIELAB units
probabilities  float32 [N, h, w, Q]  over the bins (distributions only)
bins           float32 [Q, 2]        the bins' a and b (distributions only)
=============  ====================  ============================================================================

The tail alone (`join.onnx` for uint8, `join16.onnx` for uint16) takes `photo` and `ab` and gives `colorized`.
"""

FORMAT = 1
OPSET = 18
IR_VERSION = 9  # the newest that goes with opset 18

# Inputs
PHOTO = 'photo'
RENDER_SIZE = 'render_size'
SATURATION = 'saturation'
VIVIDNESS = 'vividness'
HINTS = 'hints'
STRIP_ROWS = 'strip_rows'

# Outputs
COLORIZED = 'colorized'
AB = 'ab'
PROBABILITIES = 'probabilities'
BINS = 'bins'

# Ranges: values outside are clipped in the graph.
RENDER_SIZE_RANGE = (32, 1024)
SATURATION_RANGE = (0.0, 4.0)
VIVIDNESS_RANGE = (0.0, 1.0)
RENDER_STEP = 4  # both sides as rendered are multiples of this
LONGEST_ASPECT = 4  # the long side as rendered is at most this many times the short one
HINT_SIDE = 6 / 256  # side of a hint's square, as a fraction of the short side

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
    'metrics',
    'verified',
    'licence',
    'created',
)
