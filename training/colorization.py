"""What one training step does: a batch of pictures becomes L, hints and true colours, and the answer becomes a loss.

All of it is made of `keras.ops`, so it runs on the accelerator with the network, under every backend: only uint8
crops go over.
"""

from typing import Any

import keras
from keras import ops

from training import aging, augment, bins, hints, lab, losses, networks


def prepare(pictures):
    """L [N, H, W, 1] and ab [N, H, W, 2] of uint8 pictures."""
    return lab.rgb_to_lab(ops.cast(pictures, 'float32') / 255)


class Colorization(keras.Model):
    """A network with what happens before and after it in training.

    Parameters
    ----------
    network : keras.Model
        As `training.networks` describes it.
    recipe : training.recipe.Recipe
    """

    def __init__(self, network, recipe):
        super().__init__(name='colorization')
        self.network = self.student = network
        self.recipe = recipe
        self.random = keras.random.SeedGenerator(recipe.seed)
        self.ager = aging.load(recipe.aged_by) if recipe.aged_by else None
        self.critic = None  # one that learns beside the network: see `training.adversarial`
        if recipe.distillation_weight:
            self.student, self.teacher, self.classify = networks.with_teacher(network)

    def call(self, pictures, training=False):
        """What the network says of pictures, and what is true of them.

        Parameters
        ----------
        pictures : uint8 tensor [N, H, W, 3]

        Returns
        -------
        dict of str to float tensor
            As `training.losses` describes it, without `colors`; the truth is at the answer's resolution.
        """
        rgb = augment.flip(ops.cast(pictures, 'float32') / 255, self.random)
        clean, ab = lab.rgb_to_lab(rgb)
        if self.ager is None:
            L = augment.old_camera(lab.srgb_to_linear(rgb), self.recipe.aging_prob, self.random)
        else:
            L = aging.aged(clean, self.ager, self.recipe.aging_prob, self.random)
        if len(self.network.inputs) == 2:
            given = hints.simulate(ab, self.recipe.no_hint_prob, self.random)
            if self.recipe.recolor_prob:
                ab, given = hints.recolor(clean, ab, given, self.recipe.recolor_prob, self.random)
            answer, _, *features = self.student([L, given], training=training)
            hinted = ops.cast(ops.any(given[..., 2] > 0, axis=1), 'float32')
        else:
            answer, features = self.network(L, training=training), []
            hinted = ops.zeros_like(L[:, 0, 0, 0])
        stride = ops.shape(L)[1] // ops.shape(answer)[1]
        said = {'answer': answer, 'hinted': hinted}
        said |= {'L': ops.average_pool(clean, stride, stride), 'ab': ops.average_pool(ab, stride, stride)}
        if features:
            said['student_logits'] = self.classify(features[0])
            said['teacher_logits'] = self.classify(self.teacher(rgb))
        return said

    def compute_loss(self, x=None, y=None, y_pred: Any = None, sample_weight=None, training=True):
        return self.plain_loss(self.judged(y_pred))

    def judged(self, said):
        """What `call` gave, in float32 and with `colors`, as losses take it."""
        said = {name: ops.cast(value, 'float32') for name, value in said.items()}
        predicts_bins = networks.distribution(self.network) is not None
        said['colors'] = bins.mean(said['answer']) if predicts_bins else said['answer']
        return said

    def plain_loss(self, said):
        """The recipe's loss of what was `judged`."""
        return losses.LOSSES[self.recipe.loss](said, self.recipe)
