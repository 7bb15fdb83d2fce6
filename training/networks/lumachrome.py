"""The network that ships: a pretrained encoder that knows what things are, a decoder that spreads their colours, hints.

    L ─▶ stem ─▶ 1/2 ─▶ 1/4 ─▶ 1/8 ─▶ 1/16 ─▶ 1/32 ─▶ + global context ─┐      EfficientNet-Lite2 (ImageNet)
           ▲      ▲      │▲     │▲      │▲                                │
    hints ─┴──────┴──────┼┴─────┼┴──────┼┘  a path of its own             ▼
                         │      │       └──────▶ 1/16 ◀──── pixel shuffle ┘      the decoder: skip, hints, what was
                         │      └──────▶ 1/8 ◀────┘                              coarser, what the hints say; then 3x3
                         └──────▶ 1/4 ◀───┘                                      convolutions
                                   └──▶ logits over the ab bins ──▶ shared with the hints' colours

The hints' path joins the encoder through 1x1 convolutions that start at zero: at first the encoder sees a photo as
ImageNet taught it. The global context, features averaged over the whole picture and added at each place, lets it decide
whether a gray patch is lake or lawn. At strides 16, 8 and 4 each place attends to the hints themselves
(`layers.HintColors`: their a and b, weighted by nearness in features, lightness and place); in the end the distribution
of each place is mixed with the soft-encoded colours of those it attends to (`layers.HintMixture`).
"""

import keras
from keras import layers

from training.bins import BINS, Distribution
from training.hints import COLUMNS
from training.networks.efficientnet_lite import EfficientNetLite
from training.networks.layers import HintColors, HintMap, HintMixture, PixelShuffle

MULTIPLE = 32
RENDER_SIZE = 256
ENCODER = EfficientNetLite(variant=2)  # a better eye than 0 for a tenth more time, as most of it goes to the decoder
WIDTHS = {32: 256, 16: 160, 8: 96, 4: 64}  # channels of the decoder by stride
HINT_WIDTHS = {2: 16, 4: 32, 8: 64, 16: 128}  # and of the hints' path
EMBEDDING = 16  # features by whose distance a place attends to a hint, beside lightness and coordinates
NULL_LOGIT = -4.0  # at first: a hint with a score of it gets half of a place


def build(encoder_weights='imagenet', drop_path=0.2):
    """A fresh network: L and hints to logits over the ab bins at a quarter of the resolution, and the hints' share.

    Parameters
    ----------
    encoder_weights : {'imagenet', 'none'}
        Where the encoder's weights come from.
    drop_path : float
        Probability with which the encoder's last block is skipped in training (`EfficientNetLite.encode`).
    """

    def conv(x, filters, kernel=3, activation=True):
        x = layers.Conv2D(filters, kernel, padding='same', use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3)(x)
        return layers.ReLU()(x) if activation else x

    def residual(x, blocks=2):
        channels = x.shape[-1]
        for _ in range(blocks):
            x = layers.ReLU()(layers.Add()([x, conv(conv(x, channels), channels, activation=False)]))
        return x

    def to_hints(x, suffix=''):
        """What attention to hints takes: the places' embedding and null logit, L, the hints."""
        small, low = keras.initializers.RandomNormal(stddev=0.02), keras.initializers.Constant(NULL_LOGIT)
        embed = layers.Conv2D(EMBEDDING, 1, use_bias=False, kernel_initializer=small, name=f'hints_embedding{suffix}')
        null = layers.Conv2D(1, 1, kernel_initializer='zeros', bias_initializer=low, name=f'hints_null_logit{suffix}')
        return embed(x), null(x), L, hints

    L = layers.Input((None, None, 1), name='L')
    hints = layers.Input((None, COLUMNS), name='hints')

    hint_features = {}
    x = layers.Rescaling([1 / 110, 1 / 110, 1.0])(HintMap(dtype='float32')(L, hints))
    for stride, width in HINT_WIDTHS.items():
        x = layers.Conv2D(width, 3, strides=2, padding='same', activation='relu', name=f'hints_{stride}')(x)
        hint_features[stride] = x

    def joined(hints, name):
        def join(features):
            added = layers.Conv2D(features.shape[-1], 1, use_bias=False, kernel_initializer='zeros', name=name)(hints)
            return layers.Add()([features, added])

        return join

    additions = {stride: joined(x, f'hints_into_{stride}') for stride, x in hint_features.items()}
    additions[1] = joined(hint_features[2], 'hints_into_stem')
    # L is nearly proportional to the gray level that the encoder knows; float32, as bfloat16 has few steps up to 100
    gray = layers.Rescaling(1 / 50, offset=-1, dtype='float32')(L)
    features = ENCODER.encode(gray, drop_path, additions)

    x = conv(features[32], WIDTHS[32], 1)
    context = layers.GlobalAveragePooling2D(keepdims=True)(features[32])
    context = layers.Conv2D(WIDTHS[32], 1, activation='relu')(context)
    x = residual(layers.Add()([x, layers.Conv2D(WIDTHS[32], 1)(context)]), blocks=1)
    for stride in (16, 8, 4):
        width = WIDTHS[stride]
        x = PixelShuffle()(layers.Conv2D(4 * width, 1, use_bias=False)(x))
        x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3)(x)
        skip = conv(features[stride], width // 2, 1, activation=False)
        seen = layers.Concatenate()([x, skip, hint_features[stride]])
        attended = HintColors(stride, dtype='float32', name=f'hints_colors_{stride}')(*to_hints(seen, f'_{stride}'))
        x = residual(conv(layers.Concatenate()([seen, attended]), width))
    # float32 also under mixed precision: the loss is taken here
    logits = layers.Conv2D(len(BINS), 1, dtype='float32', name='logits')(x)
    logits, share = HintMixture(4, dtype='float32', name='hints_mixture')(logits, *to_hints(x))
    network = keras.Model(
        [L, hints], [Distribution(dtype='float32', name='distribution')(logits), share], name='lumachrome'
    )
    if encoder_weights == 'imagenet':
        ENCODER.load_imagenet(network)
    return network


def parted(network):
    """The network as two: what is seen in a photo, and how colours are spread over it.

    The hints' own path belongs to the first, so that the second hears of hints by attention alone.
    """
    seen = [layer.input for layer in network.layers if isinstance(layer, layers.Concatenate) and len(layer.input) == 3]
    (coarse, *skip), *finer = seen  # at strides 16, 8 and 4
    features = [coarse, *skip, *(x for _, *skip in finer for x in skip)]
    return keras.Model(network.inputs, features), keras.Model([*features, *network.inputs], network.outputs)


def freeze(network, blocks):
    """Keep the stem and the encoder's first `blocks` blocks as they are, batch norms too.

    Hints that would enter below are kept out as well, or their gradient would have to pass what is frozen.
    """
    inside = {'hints_into_stem', 'hints_into_2', 'hints_into_4'}
    for layer in network.layers:
        block = ENCODER.block_of(layer.name)
        if layer.name in inside or (block is not None and block < blocks):
            layer.trainable = False
