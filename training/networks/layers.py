"""Layers that more than one network uses."""

import keras
from keras import layers, ops


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
