"""What one training step does: a batch of pictures becomes L, hints and true colours, and the answer becomes a loss.

All of it is made of `keras.ops`, so it runs on the accelerator with the network, under every backend: only uint8
crops go over.
"""

import keras
from keras import ops

from training import augment, bins, hints, lab, networks


def prepare(pictures):
    """L [N, H, W, 1] and ab [N, H, W, 2] of uint8 pictures."""
    return lab.rgb_to_lab(ops.cast(pictures, 'float32') / 255)


def huber(error, knee=0.1):
    """Quadratic up to `knee`, linear beyond, scaled to a slope of 1: outliers do not pull the colours to brown."""
    size = ops.abs(error)
    return ops.where(size < knee, size**2 / (2 * knee), size - knee / 2)


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
        self.network = network
        self.recipe = recipe
        self.random = keras.random.SeedGenerator(recipe.seed)

    def call(self, pictures, training=False):
        """uint8 pictures [N, H, W, 3] to what the network says of them, and the true ab at its resolution."""
        rgb = augment.flip(ops.cast(pictures, 'float32') / 255, self.random)
        _, ab = lab.rgb_to_lab(rgb)
        L = augment.old_camera(lab.linear(rgb), self.recipe.aged, self.random)
        if len(self.network.inputs) == 2:
            given = hints.simulate(ab, self.recipe.hintless, self.random)
            answer, _ = self.network([L, given], training=training)
        else:
            answer = self.network(L, training=training)
        stride = ops.shape(L)[1] // ops.shape(answer)[1]
        return answer, ops.average_pool(ab, (stride, stride), (stride, stride))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        answer, ab = y_pred
        answer = ops.cast(answer, 'float32')
        colours = bins.mean(answer) if networks.distribution(self.network) else answer
        if self.recipe.loss == 'mse':
            return ops.mean(((colours - ab) / 128) ** 2)
        regression = ops.mean(huber((colours - ab) / 110))
        if self.recipe.loss == 'huber':
            return regression
        indices, weights = bins.encode(ab)
        likely = ops.log_softmax(answer, axis=-1)
        cross_entropy = -ops.mean(ops.sum(ops.take_along_axis(likely, indices, axis=-1) * weights, axis=-1))
        return cross_entropy + self.recipe.huber * regression
