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
NEIGHBOURS, SIGMA = 5, 5.0  # a colour is spread over its 5 nearest bins with a Gaussian of this deviation (Zhang 2016)


def _grid():
    """The bins' centres that some sRGB colour falls nearest to: float32 [Q, 2]."""
    steps = np.arange(0, 256, 5, dtype='uint8')
    rgb = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    nearest = np.round(color.rgb2lab(rgb)[0, :, 1:] / WIDTH).astype(int)
    return np.unique(nearest, axis=0).astype('float32') * WIDTH


BINS = _grid()


def encode(ab):
    """Soft-encode colours over their nearest bins.

    Parameters
    ----------
    ab : float tensor [..., 2]
        CIELAB units.

    Returns
    -------
    bins : int tensor [..., 5]
        Indices of the nearest bins.
    weights : float tensor [..., 5]
        Their shares; they add up to 1.
    """
    # |ab - bin|^2 without the term that is the same for every bin: one matrix product instead of a [..., Q, 2] tensor
    grid = ops.cast(BINS, ab.dtype)
    closeness = 2 * ops.tensordot(ab, ops.transpose(grid), 1) - ops.sum(grid**2, axis=-1)
    closeness, bins = ops.top_k(closeness, NEIGHBOURS)
    return bins, ops.softmax(closeness / (2 * SIGMA**2), axis=-1)


def spread(ab):
    """Soft-encode colours over all bins: [..., 2] to probabilities [..., Q]. As `encode`, without the cut at five."""
    far = ops.sum((ops.expand_dims(ab, -2) - ops.cast(BINS, ab.dtype)) ** 2, axis=-1)
    return ops.softmax(-far / (2 * SIGMA**2), axis=-1)


def mean(logits):
    """The expected colour: logits [..., Q] to ab [..., 2]."""
    return ops.tensordot(ops.softmax(logits, axis=-1), ops.cast(BINS, logits.dtype), 1)


def vivid(logits, prior, temperature, correction, gain):
    """A colour nearer to the likely and away from the common ones.

    Parameters
    ----------
    logits : float tensor [..., Q]
    prior : float array [Q]
        How often each bin occurs in photos; adds up to 1.
    temperature : float
        Below 1 the likeliest bins gain (the annealed mean of Zhang 2016).
    correction : float
        Power of the prior by which the probabilities are divided: gray is common everywhere, and would win everywhere.
    gain : float
        Factor on the chroma of the result.

    Returns
    -------
    float tensor [..., 2]
        ab, CIELAB units.
    """
    return gain * mean((logits - correction * ops.log(ops.cast(prior, logits.dtype))) / temperature)


@keras.saving.register_keras_serializable(package='lumachrome')
class Distribution(layers.Layer):
    """Marks logits [..., Q] as a distribution over `BINS`, and keeps with the network what reading it needs.

    Attributes
    ----------
    prior : weight [Q]
        How often each bin occurs in the training photos, smoothed.
    vivid_point : weight [3]
        Temperature, correction and gain of `vivid` that won on photos split off from training.
    """

    def build(self, shape):
        def constant(shape, values, name):
            return self.add_weight(shape=shape, initializer=values, trainable=False, dtype='float32', name=name)

        self.prior = constant((len(BINS),), keras.initializers.Constant(1 / len(BINS)), 'prior')
        self.vivid_point = constant((3,), 'ones', 'vivid_point')
        self.vivid_point.assign([1.0, 0.0, 1.0])

    def call(self, logits):
        return logits


def prior(photos, most=2000):
    """How often each bin occurs in photos: float32 [Q], adds up to 1.

    A fiftieth is spread over all bins, so that a colour the photos lack does not count as infinitely rare.

    Parameters
    ----------
    photos : sequence of uint8 arrays [S, S, 3]
    most : int
        How many of them are looked at, evenly chosen.
    """
    total = np.zeros(len(BINS))
    for i in np.linspace(0, len(photos) - 1, min(most, len(photos))).astype(int):
        ab = color.rgb2lab(photos[i][::8, ::8])[..., 1:]
        indices, weights = encode(ops.convert_to_tensor(ab, 'float32'))
        np.add.at(total, ops.convert_to_numpy(indices).ravel(), ops.convert_to_numpy(weights).ravel())
    return (0.98 * total / total.sum() + 0.02 / len(BINS)).astype('float32')
