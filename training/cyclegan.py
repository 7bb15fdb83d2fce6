"""What age looks like, learnt from old prints and clean photos of other things: CycleGAN [1]_ on lightness alone.

Two networks turn one kind into the other: the ager clean photos into prints, the cleaner prints into clean photos. Two
critics, each shown true ones and made ones, learn to tell them apart, and the networks to pass for true. That alone
would let them paint another picture; so what went there and back must be what it was. Only the ager is kept
(`training.aging`).

A network says nothing but what its input says, and grain is chance: two prints of one negative differ in it. CycleGAN's
networks would make it of what they find, the same each time, or hide in it what they need for the way back. As
augmented CycleGAN [2]_ has it, the ager is given chance to make grain of: a plane of noise beside the photo. The way
back need not bring the same grain, so what went there and back is compared after averaging over a few pixels. What
differs from print to print in other ways, such as how much each has faded, the ager can only guess from the photo.

References
----------
.. [1] J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent
   Adversarial Networks", 2017, arXiv:1703.10593
.. [2] A. Almahairi et al., "Augmented CycleGAN: Learning Many-to-Many Mappings from Unpaired Data", 2018,
   arXiv:1802.10151
.. [3] A. Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training", 2016,
   arXiv:1612.07828
"""

from typing import Any

import keras
from keras import layers, ops

from training.adversarial import build_critic
from training.aging import FILTERS, build_generator

CYCLE = 0.2  # weight of being what it was, there and back; of the 10 in [1] nothing is learnt in minutes
GRAIN = 4  # pixels a side over which grain averages out
SHARP = 8.0  # times as strong is detail finer than three pixels, where critics look for grain
POOL = 48  # pictures made before that critics are shown as well: fifty in [1], here whole batches


class Pool(layers.Layer):
    """The last pictures that were made, of which critics are shown half: they shall not forget old tricks [3]_."""

    def __init__(self, batch, size, seed):
        super().__init__(trainable=False)
        self.batch, self.count, self.seed = batch, max(1, POOL // batch), seed
        self.kept = self.add_weight(shape=(self.count * batch, size, size, 1), initializer='zeros', trainable=False)
        self.filled = self.add_weight(shape=(), initializer='zeros', dtype='int32', trainable=False)

    def call(self, made):
        """Pictures [batch, size, size, 1] as critics see them, half of them earlier ones, in whose place these stay."""
        is_full = self.filled >= self.count
        place = keras.random.randint((), 0, self.count, seed=self.seed)
        start = (self.batch * ops.where(is_full, place, self.filled), 0, 0, 0)
        earlier = ops.slice(self.kept, start, ops.shape(made))
        goes_in = ops.logical_and(is_full, keras.random.uniform((self.batch, 1, 1, 1), seed=self.seed) < 0.5)
        is_kept = ops.logical_or(goes_in, ops.logical_not(is_full))
        self.kept.assign(ops.slice_update(self.kept, start, ops.where(is_kept, made, earlier)))
        self.filled.assign(ops.minimum(self.filled + 1, self.count))
        return ops.where(goes_in, earlier, made)


class Aging(keras.Model):
    """The two networks and their critics, in training.

    Parameters
    ----------
    batch, size : int
        Pictures of each kind in a step, and their side in pixels.
    filters : int
        Of the networks, and half of the critics', at the finest.
    seed : int
    """

    def __init__(self, batch: int, size: int, filters: int = FILTERS, seed: int = 0) -> None:
        super().__init__(name='aging')
        self.random = keras.random.SeedGenerator(seed)
        self.ager, self.cleaner = build_generator(True, filters), build_generator(False, filters)
        self.knows_prints, self.knows_clean = (build_critic(2, 2 * filters) for _ in range(2))
        self.pool_of_aged, self.pool_of_cleaned = (Pool(batch, size, self.random) for _ in range(2))

    def call(self, pictures, training=False):
        """What becomes of clean photos and of prints, there and back.

        Parameters
        ----------
        pictures : uint8 tensor [N, H, W, 2]
            L, 0 to 255: of a clean photo, and of a print that has nothing to do with it.

        Returns
        -------
        dict of str to float tensor [N, H, W, 1]
            L, 0 to 100: the `clean` and the `old`; `aged` and `cleaned`, what was made of them; `clean_again` and
            `old_again`; and `aged_before` and `cleaned_before`, some of them made earlier.
        """
        L = ops.cast(pictures, 'float32') * (100 / 255)
        clean, old = L[..., :1], L[..., 1:]
        aged, cleaned = self.ager([clean, self._grain(clean)]), self.cleaner(old)
        said = {'clean': clean, 'old': old, 'aged': aged, 'cleaned': cleaned}
        said |= {'clean_again': self.cleaner(aged), 'old_again': self.ager([cleaned, self._grain(cleaned)])}
        said |= {'aged_before': self.pool_of_aged(aged), 'cleaned_before': self.pool_of_cleaned(cleaned)}
        return said

    def _grain(self, L):
        return keras.random.normal(ops.shape(L), seed=self.random)

    def compute_loss(self, x=None, y=None, y_pred: Any = None, sample_weight=None, training=True):
        """As in [1]_, by least squares; networks see the critics as constants, and critics what was made so."""
        said = {name: L / 50 - 1 for name, L in y_pred.items()}
        total = CYCLE * (_far(said['clean_again'], said['clean']) + _far(said['old_again'], said['old']))
        for critic, true, made in ((self.knows_prints, 'old', 'aged'), (self.knows_clean, 'clean', 'cleaned')):
            fixed = [ops.stop_gradient(v) for v in critic.trainable_variables]
            passes, _ = critic.stateless_call(fixed, [], seen(said[made]))
            before = ops.stop_gradient(said[f'{made}_before'])
            total += ops.mean((passes - 1) ** 2)
            total += (ops.mean((critic(seen(said[true])) - 1) ** 2) + ops.mean(critic(seen(before)) ** 2)) / 2
        return total


def seen(L):
    """What a critic sees of L [N, H, W, 1]: L, and beside it its finest detail, stronger: [N, H, W, 2].

    Grain is a few units of L among a hundred, which the photo itself hides: of L alone, critics had not noticed it in
    150 steps.
    """
    return ops.concatenate([L, SHARP * (L - ops.average_pool(L, 3, 1, 'same'))], -1)


def _far(ours, theirs):
    """How far pictures are from each other but for grain: the mean absolute difference of averages."""
    return ops.mean(ops.abs(ops.average_pool(ours - theirs, GRAIN, GRAIN)))
