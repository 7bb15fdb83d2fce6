"""Layers that networks are made of, beside Keras' own."""

import keras
import numpy as np
from keras import layers, ops

from training import bins, hints


@keras.saving.register_keras_serializable(package='lumachrome')
class PixelShuffle(layers.Layer):
    """Twice the resolution out of a quarter of the channels (Shi 2016): [N, H, W, 4C] to [N, 2H, 2W, C].

    It exports to one DepthToSpace, where a transposed convolution or a bilinear resize becomes dozens of nodes.
    """

    def call(self, x):
        if keras.backend.backend() == 'tensorflow':
            import tensorflow as tf  # only here can the exporter see one operation instead of five

            return tf.nn.depth_to_space(x, 2)
        n, h, w, c = ops.shape(x)
        x = ops.reshape(x, (n, h, w, 2, 2, c // 4))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (n, 2 * h, 2 * w, c // 4))

    def compute_output_shape(self, shape):
        n, h, w, c = shape
        return (n, h and 2 * h, w and 2 * w, c // 4)


@keras.saving.register_keras_serializable(package='lumachrome')
class HintMap(layers.Layer):
    """Draws hints [N, K, 5] on an empty map as large as L [N, H, W, 1]: [N, H, W, 3] (`training.hints.draw`)."""

    def call(self, L, given):
        return hints.draw(given, *ops.shape(L)[1:3])

    def compute_output_shape(self, L_shape, given_shape):
        return (*L_shape[:3], 3)


class HintAttention(layers.Layer):
    """Attention from places to hints: what a hint says is for the places that are near it and like it.

    A place and a hint score s = -|e(place) - e(hint)|^2, where e is a place's features, its lightness and where it lies
    (at first a bilateral filter, then whatever was learnt). A softmax over the hints' scores and the place's own
    `silence`, the score above which a hint is heard, shares the place out among them.

    Parameters
    ----------
    stride : int
        Of the features against the picture.

    Attributes
    ----------
    reach : weight [2]
        Logarithms of how much lightness (in units of 100) and place (in short sides) tell apart.
    """

    def __init__(self, stride, **options):
        super().__init__(**options)
        self.stride = stride

    def get_config(self):
        return super().get_config() | {'stride': self.stride}

    def build(self, *shapes, **named):  # saved networks name the shapes
        # A hint is at first heard over a seventh of the picture, and ten steps of lightness away.
        start = keras.initializers.Constant(np.log([10.0, 7.0]))
        self.reach = self.add_weight(shape=(2,), initializer=start, name='reach')

    def hear(self, features, silence, L, given, values):
        """What places hear of the hints.

        Parameters
        ----------
        features : float tensor [N, h, w, C]
        silence : float tensor [N, h, w, 1]
        L : float tensor [N, H, W, 1]
        given : float tensor [N, K, 5]
            Hints, as `training.hints` describes them.
        values : float tensor [N, K, V]
            What each of them says.

        Returns
        -------
        heard : float tensor [N, h, w, V]
            The values, each weighted with its hint's share of the place.
        share : float tensor [N, h, w, 1]
            All hints' share of the place, 0 to 1; exactly 0 in photos without hints.
        own : float tensor [N, h, w, 1]
            What is left of it.
        """
        height, width = ops.shape(features)[1:3]
        count = ops.shape(given)[1]
        rows, columns = (ops.cast(ops.arange(n, dtype='int32'), 'float32') for n in (height, width))
        short = ops.cast(ops.minimum(height, width), 'float32')
        near = ops.exp(self.reach[1]) / short
        lightness = ops.exp(self.reach[0]) / 100 * ops.average_pool(L, self.stride, self.stride)
        y = near * ops.reshape(rows, (1, -1, 1, 1)) + ops.zeros_like(lightness)
        x = near * ops.reshape(columns, (1, 1, -1, 1)) + ops.zeros_like(lightness)
        places = ops.concatenate([features, lightness, y, x], axis=-1)
        places = ops.reshape(places, (-1, height * width, ops.shape(places)[3]))

        def between(pixels, cells):
            """How much of each cell a hint's centre sees, bilinearly: [N, K] to [N, K, cells]."""
            at = ops.clip(pixels / self.stride - 0.5, 0.0, cells[-1])
            return ops.relu(1.0 - ops.abs(ops.expand_dims(at, -1) - cells))

        seen = ops.expand_dims(between(given[..., 1], rows), 3) * ops.expand_dims(between(given[..., 0], columns), 2)
        hinted = ops.matmul(ops.reshape(seen, (-1, count, height * width)), places)  # [N, K, C + 3]

        scores = 2 * ops.matmul(places, ops.transpose(hinted, (0, 2, 1)))
        scores -= ops.sum(places**2, -1, keepdims=True)
        scores -= ops.expand_dims(ops.sum(hinted**2, -1), 1)
        scores = ops.where(ops.expand_dims(given[..., 2], 1) > 0, scores, -1e9)
        own = ops.reshape(silence, (-1, height * width, 1))
        shares = ops.softmax(ops.concatenate([scores, own], axis=-1), axis=-1)
        theirs, own = shares[..., :-1], shares[..., -1:]
        heard = ops.reshape(ops.matmul(theirs, values), (-1, height, width, ops.shape(values)[2]))
        share = ops.sum(theirs, -1, keepdims=True)  # 1 - own would be rounded, and so not 0 where no hint is
        share, own = (ops.reshape(part, (-1, height, width, 1)) for part in (share, own))
        return heard, share, own


@keras.saving.register_keras_serializable(package='lumachrome')
class AskHints(HintAttention):
    """The colours of the hints that a place listens to, for the layers that come after."""

    def call(self, features, silence, L, given):
        """Ask the hints.

        Parameters
        ----------
        features, silence, L, given
            As of `HintAttention.hear`.

        Returns
        -------
        float tensor [N, h, w, 3]
            a and b in units of 110, and the hints' share, 0 to 1; a and b are weighted with it.
        """
        colours, share, _ = self.hear(features, silence, L, given, given[..., 3:] / 110)
        return ops.concatenate([colours, share], axis=-1)

    def compute_output_shape(self, features_shape, silence_shape, L_shape, given_shape):
        return (*silence_shape[:3], 3)


@keras.saving.register_keras_serializable(package='lumachrome')
class SpreadHints(HintAttention):
    """Gives places the colours of the hints that they listen to: the rest stays the network's own distribution."""

    def call(self, logits, features, silence, L, given):
        """Spread hints.

        Parameters
        ----------
        logits : float tensor [N, h, w, Q]
            The network's own.
        features, silence, L, given
            As of `HintAttention.hear`.

        Returns
        -------
        logits : float tensor [N, h, w, Q]
        share : float tensor [N, h, w, 1]
            How much of each place the hints got, 0 to 1; exactly 0 in photos without hints.
        """
        theirs, share, own = self.hear(features, silence, L, given, bins.spread(given[..., 3:]))
        return ops.log(own * ops.softmax(logits, axis=-1) + theirs + 1e-9), share

    def compute_output_shape(self, logits_shape, features_shape, silence_shape, L_shape, given_shape):
        return logits_shape, silence_shape
