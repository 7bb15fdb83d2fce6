"""The article's network, layer for layer: three halvings, three doublings, 32,202 weights.

    L ─▶ 8 s2 ─▶ 8 ─▶ 16 ─▶ 16 s2 ─▶ 32 ─▶ 32 s2 ─▶ up ─▶ 32 ─▶ up ─▶ 16 ─▶ up ─▶ 2, tanh ─▶ ab

Every convolution is 3x3; `s2` halves the resolution, `up` doubles it. The scaling is the article's own: raw L, 0 to
100, goes in; tanh times 128 comes out. It learns with rmsprop on the mean squared error.
"""

import keras
from keras import layers

MULTIPLE = 8
RENDER_SIZE = 184  # the article trained on pictures of 272 x 184


def build():
    """A fresh network: L [N, H, W, 1], 0 to 100, to ab [N, H, W, 2], -128 to 128."""

    def conv(filters, strides=1, activation='relu'):
        return layers.Conv2D(filters, 3, strides, padding='same', activation=activation)

    return keras.Sequential(
        [
            layers.Input((None, None, 1), name='L'),
            conv(8, strides=2),
            conv(8),
            conv(16),
            conv(16, strides=2),
            conv(32),
            conv(32, strides=2),
            layers.UpSampling2D(),
            conv(32),
            layers.UpSampling2D(),
            conv(16),
            layers.UpSampling2D(),
            conv(2, activation='tanh'),
            layers.Rescaling(128.0),
        ],
        name='article',
    )
