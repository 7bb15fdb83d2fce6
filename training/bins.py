"""Colour as a distribution over a grid of ab colours: how targets are written on it, and how a colour is read off it.

A network that must name one colour for a shirt that may be red or blue names the brown between them. One that spreads
probabilities over bins can say both, and the reader decides: the mean is faithful and dull, a point nearer to the most
likely colours is vivid [1]_.

References
----------
.. [1] R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", 2016, arXiv:1603.08511, section 2
"""

import keras
import numpy as np
from keras import layers, ops
from skimage import color

WIDTH = 10  # of a bin, in CIELAB units
SIGMA = 5.0  # standard deviation, in CIELAB units, of the Gaussian with which colours are soft-encoded, as in [1]_


def _grid():
    """The bins' centres that some sRGB colour falls nearest to: float32 [Q, 2]."""
    steps = np.arange(0, 256, 5, dtype='uint8')
    rgb = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    nearest = np.round(color.rgb2lab(rgb)[0, :, 1:] / WIDTH).astype(int)
    return np.unique(nearest, axis=0).astype('float32') * WIDTH


BINS = _grid()


def soft_encode(ab):
    """Soft-encode colours: a bin's probability is a Gaussian of its distance to the colour, normalised over the bins.

    Parameters
    ----------
    ab : float tensor [..., 2]
        CIELAB units.

    Returns
    -------
    float tensor [..., Q]
        The bins' probabilities; they add up to 1. As in [1]_, without its cut at the five nearest bins, beyond which
        lie hundredths.
    """
    # |ab - bin|^2 without the term that is the same for every bin: one matrix product instead of a [..., Q, 2] tensor
    grid = ops.cast(BINS, ab.dtype)
    closeness = 2 * ops.matmul(ab, ops.transpose(grid)) - ops.sum(grid**2, axis=-1)
    return ops.softmax(closeness / (2 * SIGMA**2), axis=-1)


def mean(logits):
    """The expected colour: logits [..., Q] to ab [..., 2]."""
    return ops.tensordot(ops.softmax(logits, axis=-1), ops.cast(BINS, logits.dtype), 1)


def vivid(logits, inverse_temperature, offsets, colors):
    """A colour read off a distribution otherwise than by its mean.

    It is softmax(inverse_temperature * logits + offsets) @ colors.

    Parameters
    ----------
    logits : float tensor [..., Q]
    inverse_temperature : float
        Above 1 the likeliest bins gain (the annealed mean of [1]_).
    offsets : float array [Q]
        Added to the logits then: gray is common everywhere, and would win everywhere.
    colors : float array [Q, 2]
        ab that each bin stands for, CIELAB units.

    Returns
    -------
    float tensor [..., 2]
        ab, CIELAB units.
    """
    offsets, colors = (ops.cast(x, logits.dtype) for x in (offsets, colors))
    return ops.tensordot(ops.softmax(inverse_temperature * logits + offsets, axis=-1), colors, 1)


@keras.saving.register_keras_serializable(package='lumachrome', name='Distribution')
class Distribution(layers.Layer):
    """Marks logits [..., Q] as a distribution over `BINS`, and keeps with the network what reading it needs.

    Attributes
    ----------
    inverse_temperature, offsets, colors : weights [], [Q], [Q, 2]
        Those of `vivid` that won on photos split off from training; at first, those of the mean.
    """

    def build(self, shape):
        def constant(name, *shape):
            return self.add_weight(shape=shape, initializer='zeros', trainable=False, dtype='float32', name=name)

        self.inverse_temperature = constant('inverse_temperature')
        self.offsets, self.colors = constant('offsets', len(BINS)), constant('colors', *BINS.shape)
        self.read_by(1.0, np.zeros(len(BINS)), BINS)

    def read_by(self, inverse_temperature: float, offsets: np.ndarray, colors: np.ndarray) -> None:
        """Set the vivid point."""
        self.inverse_temperature.assign(inverse_temperature)
        self.offsets.assign(offsets)
        self.colors.assign(colors)

    @property
    def vivid_point(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three as numpy arrays."""
        return tuple(ops.convert_to_numpy(w) for w in (self.inverse_temperature, self.offsets, self.colors))

    def call(self, logits):
        return logits
