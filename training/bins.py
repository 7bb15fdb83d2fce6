"""Colour as a distribution over a grid of ab colours: how targets are written on it, and how a colour is read off it.

A network that must name one colour for a shirt that may be red or blue names the brown between them. One that spreads
probabilities over bins can say both, and the reader decides: the mean is faithful and dull, a point nearer to the most
likely colours is vivid (Zhang 2016, "Colorful Image Colorization", section 2).
"""

import keras
import numpy as np
from keras import layers, ops
from skimage import color

WIDTH = 10  # of a bin, in CIELAB units
SIGMA = 5.0  # a colour is spread over the bins with a Gaussian of this deviation (Zhang 2016)


def _grid():
    """The bins' centres that some sRGB colour falls nearest to: float32 [Q, 2]."""
    steps = np.arange(0, 256, 5, dtype='uint8')
    rgb = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    nearest = np.round(color.rgb2lab(rgb)[0, :, 1:] / WIDTH).astype(int)
    return np.unique(nearest, axis=0).astype('float32') * WIDTH


BINS = _grid()


def spread(ab):
    """Soft-encode colours: a Gaussian around each colour shares it out among the bins.

    Parameters
    ----------
    ab : float tensor [..., 2]
        CIELAB units.

    Returns
    -------
    float tensor [..., Q]
        The bins' shares; they add up to 1. As in Zhang 2016, without its cut at five bins, beyond which lie hundredths.
    """
    # |ab - bin|^2 without the term that is the same for every bin: one matrix product instead of a [..., Q, 2] tensor
    grid = ops.cast(BINS, ab.dtype)
    closeness = 2 * ops.matmul(ab, ops.transpose(grid)) - ops.sum(grid**2, axis=-1)
    return ops.softmax(closeness / (2 * SIGMA**2), axis=-1)


def mean(logits):
    """The expected colour: logits [..., Q] to ab [..., 2]."""
    return ops.tensordot(ops.softmax(logits, axis=-1), ops.cast(BINS, logits.dtype), 1)


def vivid(logits, sharpness, offsets, colours):
    """A colour read off a distribution otherwise than by its mean: each bin with a weight and a colour of its own.

    Parameters
    ----------
    logits : float tensor [..., Q]
    sharpness : float
        Above 1 the likeliest bins gain (the annealed mean of Zhang 2016; its temperature is 1 / sharpness).
    offsets : float array [Q]
        Added to the sharpened logits: gray is common everywhere, and would win everywhere.
    colours : float array [Q, 2]
        ab that each bin stands for, CIELAB units.

    Returns
    -------
    float tensor [..., 2]
        ab, CIELAB units.
    """
    offsets, colours = (ops.cast(x, logits.dtype) for x in (offsets, colours))
    return ops.tensordot(ops.softmax(sharpness * logits + offsets, axis=-1), colours, 1)


@keras.saving.register_keras_serializable(package='lumachrome')
class Distribution(layers.Layer):
    """Marks logits [..., Q] as a distribution over `BINS`, and keeps with the network what reading it needs.

    Attributes
    ----------
    sharpness, offsets, colours : weights [], [Q], [Q, 2]
        Those of `vivid` that won on photos split off from training; at first, those of the mean.
    """

    def build(self, shape):
        def constant(name, *shape):
            return self.add_weight(shape=shape, initializer='zeros', trainable=False, dtype='float32', name=name)

        self.sharpness = constant('sharpness')
        self.offsets, self.colours = constant('offsets', len(BINS)), constant('colours', *BINS.shape)
        self.read_by(1.0, np.zeros(len(BINS)), BINS)

    def read_by(self, sharpness, offsets, colours):
        """Set the vivid point."""
        self.sharpness.assign(sharpness)
        self.offsets.assign(offsets)
        self.colours.assign(colours)

    @property
    def vivid_point(self):
        """The three as numpy arrays."""
        return tuple(ops.convert_to_numpy(w) for w in (self.sharpness, self.offsets, self.colours))

    def call(self, logits):
        return logits
