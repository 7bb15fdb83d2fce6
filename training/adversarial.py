"""A finish against a critic: pix2pix [1]_ for a network that already colours.

The mean of all likely colours is dull, and a loss on each place alone cannot say so: a critic can. It is shown patches
of (L, ab), true ones and the network's, and learns to tell them apart by least squares [2]_; the network learns to pass
for true while its own loss holds it near the truth. Critics are known for what they do when nobody watches: blotches,
and skin that turns orange. So `Watch` looks at photos split off after each epoch, and ends the run.

References
----------
.. [1] P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial Networks",
   2017, arXiv:1611.07004
.. [2] X. Mao et al., "Least Squares Generative Adversarial Networks", 2017, arXiv:1611.04076
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training import metrics
from training.colorization import Colorization
from training.vivid import PRICE

WATCHED = 100  # photos that the watch looks at
STAINED = 1.15  # unevenness for the colour that there is, over the start's, at which a run ends
PATIENCE = 3  # epochs without a better network


def build_critic(channels: int = 3, filters: int = 64) -> keras.Model:
    """A PatchGAN [1]_: (L, ab) [N, h, w, 3], about -1 to 1, to a verdict [N, h/2, w/2, 1] on patches of 16 x 16 places.

    A verdict near 1 says true, near 0 made up. At a stride of 4 a patch is 64 pixels wide: a face, not a picture, so
    that what is judged is how colours lie and not what the picture is of.
    """

    def conv(x, filters, strides=1):
        # float32 also under mixed precision: the loss is taken here
        return layers.Conv2D(filters, 4, strides, padding='same', dtype='float32')(x)

    Lab = layers.Input((None, None, channels), name='Lab')
    x = layers.LeakyReLU(0.2, dtype='float32')(conv(Lab, filters, strides=2))
    x = layers.LeakyReLU(0.2, dtype='float32')(conv(x, 2 * filters))
    return keras.Model(Lab, conv(x, 1), name='critic')


class Adversarial(Colorization):
    """`Colorization` whose loss has a critic in it, who learns in the same step.

    One optimizer moves both: the network's part of the loss sees the critic's weights as constants, and the critic's
    part sees the network's colours so.
    """

    def __init__(self, network, recipe):
        super().__init__(network, recipe)
        self.critic = build_critic()

    def compute_loss(self, x=None, y=None, y_pred: Any = None, sample_weight=None, training=True):
        said = self.judged(y_pred)
        true, made = (ops.concatenate([said['L'] / 50 - 1, ab / 110], -1) for ab in (said['ab'], said['colors']))
        fixed = [ops.stop_gradient(v) for v in self.critic.trainable_variables]
        passes, _ = self.critic.stateless_call(fixed, [], made)
        deceived = ops.mean((passes - 1) ** 2)
        tells = ops.mean((self.critic(true) - 1) ** 2) + ops.mean(self.critic(ops.stop_gradient(made)) ** 2)
        return self.plain_loss(said) + self.recipe.adversarial_weight * deceived + tells / 2


class Watch:
    """Whether a run against a critic still gains, by photos that it does not learn from.

    Parameters
    ----------
    truth : uint8 array [N, S, S, 3]
    start : uint8 array [N, S, S, 3]
        The same as the network coloured them before the run.
    """

    def __init__(self, truth: np.ndarray, start: np.ndarray) -> None:
        self.regions = [metrics.regions(picture) for picture in truth[:WATCHED]]
        self.colorful, self.uneven = self._measured(truth)
        self.at_first = self.figures(start)

    def _measured(self, pictures):
        colorful = np.mean([metrics.colorfulness(picture, absolute=True) for picture in pictures])
        watched = zip(pictures, self.regions, strict=False)
        return float(colorful), float(np.mean([metrics.unevenness(*pair) for pair in watched]))

    def figures(self, pictures: np.ndarray) -> dict[str, float]:
        """Colorfulness (absolute form) and unevenness, both over the truth's."""
        colorful, uneven = self._measured(pictures)
        return {'colorful_share': colorful / self.colorful, 'uneven_share': uneven / self.uneven}

    def worth(self, row: dict[str, float]) -> float:
        """What a network is worth, in dB: its PSNR, and its colour as far as the truth has as much."""
        return row['psnr'] + PRICE * self.colorful * min(row['colorful_share'], 1.0)

    def ends(self, row: dict[str, float], worths: list[float]) -> str:
        """Why the run ends after an epoch, in words; empty if it goes on.

        Parameters
        ----------
        row : dict of str to float
            The epoch's `figures`.
        worths : list of float
            What the network was worth after each epoch, this one included.
        """
        if row['colorful_share'] > 1:
            return 'more colourful than life'
        uneven = row['uneven_share'] / row['colorful_share']
        if uneven > STAINED * self.at_first['uneven_share'] / self.at_first['colorful_share']:
            return 'colours are more uneven than there is colour for'
        stale = len(worths) - 1 - int(np.argmax(worths)) >= PATIENCE
        return f'no better for {PATIENCE} epochs' if stale else ''
