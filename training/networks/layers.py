"""Layers that networks are made of, beside Keras' own.

References
----------
.. [1] W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
   Neural Network", 2016, arXiv:1609.05158
.. [2] A. Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762
"""

import keras
import numpy as np
from keras import layers, ops

from training import bins, hints


def saved_as(name):
    """Register a layer with Keras under the name that files know it by, whatever the class is called now.

    A .keras file holds the name twice: registered, for the layer's configuration, and as the class' own, for the place
    of its weights.
    """

    def register(layer):
        layer.__name__ = name
        return keras.saving.register_keras_serializable(package='lumachrome', name=name)(layer)

    return register


@saved_as('PixelShuffle')
class PixelShuffle(layers.Layer):
    """Twice the resolution out of a quarter of the channels [1]_: [N, H, W, 4C] to [N, 2H, 2W, C].

    Channels 0 to C - 1 become the upper left of each 2 x 2 places, then come the upper right, the lower left and the
    lower right. It exports to one DepthToSpace, where a transposed convolution or a bilinear resize becomes dozens of
    nodes.
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


@saved_as('HintMap')
class HintMap(layers.Layer):
    """Draws hints [N, K, 6] on an empty map as large as L [N, H, W, 1]: [N, H, W, 3] (`training.hints.draw`)."""

    def call(self, L, given):
        return hints.draw(given, *ops.shape(L)[1:3])

    def compute_output_shape(self, L_shape, given_shape):
        return (*L_shape[:3], 3)


class HintAttention(layers.Layer):
    """Attention [2]_ from places to hints: the queries are the places, the keys the hints, the values are given.

    A place is the vector e of its features, its lightness and its coordinates, the last two scaled by what is learnt
    (`reach`); a hint's e is read, bilinearly, at its centre. A hint's score at a place is -|e(place) - e(hint)|^2: with
    no features, a bilateral filter. A hint that reaches further has its distances in coordinates divided by that. The
    softmax is taken over all hints' scores and one logit of the place's own, the
    `null_logit`: a place whose scores all lie below it gives hardly any of its share to hints.

    Parameters
    ----------
    stride : int
        Of the features against the picture.

    Attributes
    ----------
    reach : weight [2]
        Logarithms of the factors on lightness (in units of 100) and on coordinates (in units of the short side). The
        larger they are, the less far a hint reaches.
    """

    def __init__(self, stride, **options):
        super().__init__(**options)
        self.stride = stride

    def get_config(self):
        return super().get_config() | {'stride': self.stride}

    def build(self, *shapes, **named):  # saved networks name the shapes
        # At first a score is -1 at a seventh of the short side, or at ten steps of lightness, from the hint.
        start = keras.initializers.Constant(np.log([10.0, 7.0]))
        self.reach = self.add_weight(shape=(2,), initializer=start, name='reach')

    def attend(self, features, null_logit, L, given, values):
        """The hints' values, averaged for each place with the attention's weights.

        Parameters
        ----------
        features : float tensor [N, h, w, C]
        null_logit : float tensor [N, h, w, 1]
        L : float tensor [N, H, W, 1]
        given : float tensor [N, K, 6]
            Hints, as `training.hints` describes them.
        values : float tensor [N, K, V]
            A vector for each hint.

        Returns
        -------
        attended : float tensor [N, h * w, V]
            The sum of the values, each times its hint's share of the place.
        share : float tensor [N, h * w, 1]
            The sum of the hints' shares, 0 to 1; exactly 0 in photos without hints.
        own : float tensor [N, h * w, 1]
            The null logit's share: 1 - `share`.
        """
        height, width, channels = (ops.shape(features)[i] for i in (1, 2, 3))
        count = ops.shape(given)[1]
        rows, columns = (ops.cast(ops.arange(n, dtype='int32'), 'float32') for n in (height, width))
        lightness = ops.exp(self.reach[0]) / 100 * ops.average_pool(L, self.stride, self.stride)
        places = ops.reshape(ops.concatenate([features, lightness], axis=-1), (-1, height * width, channels + 1))

        def centres(pixels, cells):
            """Where hints' centres lie, in cells: [N, K], and how much of each they see, bilinearly: [N, K, cells]."""
            at = ops.clip(pixels / self.stride - 0.5, 0.0, cells[-1])
            return at, ops.relu(1.0 - ops.abs(ops.expand_dims(at, -1) - cells))

        (y, above), (x, beside) = centres(given[..., 1], rows), centres(given[..., 0], columns)
        seen = ops.expand_dims(above, 3) * ops.expand_dims(beside, 2)
        hinted = ops.matmul(ops.reshape(seen, (-1, count, height * width)), places)  # [N, K, C + 1]
        unlike = ops.sum(places**2, -1, keepdims=True) + ops.expand_dims(ops.sum(hinted**2, -1), 1)
        unlike -= 2 * ops.matmul(places, ops.transpose(hinted, (0, 2, 1)))

        down = (ops.expand_dims(rows, 1) - ops.expand_dims(y, 1)) ** 2  # [N, h, K]
        across = (ops.expand_dims(columns, 1) - ops.expand_dims(x, 1)) ** 2
        apart = ops.reshape(ops.expand_dims(down, 2) + ops.expand_dims(across, 1), (-1, height * width, count))
        short = ops.cast(ops.minimum(height, width), 'float32')
        near = ops.exp(self.reach[1]) / short / hints.reach_of(given)

        scores = -unlike - ops.expand_dims(near**2, 1) * apart
        scores = ops.where(ops.expand_dims(given[..., 2], 1) > 0, scores, -1e9)
        own = ops.reshape(null_logit, (-1, height * width, 1))
        shares = ops.softmax(ops.concatenate([scores, own], axis=-1), axis=-1)
        theirs, own = shares[..., :-1], shares[..., -1:]
        # 1 - own would be rounded, and so not 0 where no hint is
        return ops.matmul(theirs, values), ops.sum(theirs, -1, keepdims=True), own


@saved_as('AskHints')
class HintColors(HintAttention):
    """The hints' a and b, attended to by each place, as features for the layers that come after."""

    def call(self, features, null_logit, L, given):
        """Attend to the hints' colours.

        Parameters
        ----------
        features, null_logit, L, given
            As of `HintAttention.attend`.

        Returns
        -------
        float tensor [N, h, w, 3]
            The sum of the hints' a and b (in units of 110) times their shares, and the sum of the shares, 0 to 1.
        """
        colors, share, _ = self.attend(features, null_logit, L, given, given[..., 3:5] / 110)
        height, width = ops.shape(features)[1:3]
        return ops.reshape(ops.concatenate([colors, share], axis=-1), (-1, height, width, 3))

    def compute_output_shape(self, features_shape, null_logit_shape, L_shape, given_shape):
        return (*null_logit_shape[:3], 3)


@saved_as('SpreadHints')
class HintMixture(HintAttention):
    """A mixture, for each place, of the network's distribution and of the hints' soft-encoded colours.

    The mixture's weights are the attention's: each hint's share for its own colour, the null logit's share for the
    distribution.
    """

    def call(self, logits, features, null_logit, L, given):
        """Mix the distributions.

        Parameters
        ----------
        logits : float tensor [N, h, w, Q]
            The network's own.
        features, null_logit, L, given
            As of `HintAttention.attend`.

        Returns
        -------
        logits : float tensor [N, h, w, Q]
            Logarithms of the mixture's probabilities.
        share : float tensor [N, h, w, 1]
            How much of each place the hints got, 0 to 1; exactly 0 in photos without hints.
        """
        theirs, share, own = self.attend(features, null_logit, L, given, bins.soft_encode(given[..., 3:5]))
        _, height, width, count = ops.shape(logits)
        # As a list of places: onnxruntime would else move the network's last transposition behind the softmax, which
        # is twenty times as slow over channels in the middle
        likely = ops.softmax(ops.reshape(logits, (-1, height * width, count)), axis=-1)
        mixed = ops.log(own * likely + theirs + 1e-9)
        return ops.reshape(mixed, (-1, height, width, count)), ops.reshape(share, (-1, height, width, 1))

    def compute_output_shape(self, logits_shape, features_shape, null_logit_shape, L_shape, given_shape):
        return logits_shape, null_logit_shape
