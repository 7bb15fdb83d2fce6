"""A U-Net [1]_ for colour: down four times, up twice, skips across, ab at a quarter of the resolution.

    L ─▶ 24 ─▶ 48 ──▶ 64 ──▶ 128 ──▶ 256         an arrow down: a convolution with stride 2, then others
                      │       │       │
            ab ◀──── 64 ◀─── 128 ◀────┘          an arrow up: 1x1, pixel shuffle, joined with the skip

Colour needs less resolution than light does (the eye's own economy), so the decoder stops at a quarter and the file's
tail enlarges from there; the two finest levels serve the way down alone. Batch normalisation after every convolution.

References
----------
.. [1] O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015,
   arXiv:1505.04597
"""

import keras
from keras import layers

from training.networks.layers import PixelShuffle

MULTIPLE = 16
RENDER_SIZE = 256


def build():
    """A fresh network: L [N, H, W, 1], 0 to 100, to ab [N, H/4, W/4, 2], CIELAB units."""

    def conv(x, filters, strides=1):
        x = layers.Conv2D(filters, 3, strides, padding='same', use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    def up(x, skip, filters):
        x = PixelShuffle()(layers.Conv2D(4 * filters, 1)(x))
        x = layers.Concatenate()([x, skip])
        return conv(conv(x, filters), filters)

    L = layers.Input((None, None, 1), name='L')
    x = layers.Rescaling(1 / 50, offset=-1)(L)
    x = conv(x, 24)
    x = conv(x, 48, strides=2)
    quarter = conv(conv(x, 64, strides=2), 64)
    eighth = conv(conv(quarter, 128, strides=2), 128)
    x = conv(conv(conv(eighth, 256, strides=2), 256), 256)
    x = up(x, eighth, 128)
    x = up(x, quarter, 64)
    # float32 also under mixed precision: the loss is taken here
    ab = layers.Conv2D(2, 1, dtype='float32')(x)
    return keras.Model(L, layers.Rescaling(110.0, dtype='float32', name='ab')(ab), name='unet')
