"""What one training step does: a batch of pictures becomes L, hints and true colours, and the answer becomes a loss.

All of it is made of `keras.ops`, so it runs on the accelerator with the network, under every backend: only uint8
crops go over.
"""

import keras
from keras import ops

from training import augment, bins, hints, lab, networks
from training.networks import efficientnet_lite


def prepare(pictures):
    """L [N, H, W, 1] and ab [N, H, W, 2] of uint8 pictures."""
    return lab.rgb_to_lab(ops.cast(pictures, 'float32') / 255)


def huber(error, knee=0.1):
    """Quadratic up to `knee`, linear beyond, scaled to a slope of 1: outliers do not pull the colours to brown."""
    size = ops.abs(error)
    return ops.where(size < knee, size**2 / (2 * knee), size - knee / 2)


def imitation(teacher, student):
    """Cross-entropy of what a student names [N, C] with what its teacher does, both in logits: [N]."""
    return -ops.sum(ops.softmax(teacher, axis=-1) * ops.log_softmax(student, axis=-1), axis=-1)


def soft_psnr(ours, theirs, least=1e-4):
    """PSNR in dB of pictures [N, H, W, 3] from 0 to 1: [N]. The `least` error (40 dB) keeps gradients finite."""
    return -10 * ops.log10(ops.mean((ours - theirs) ** 2, axis=(1, 2, 3)) + least)


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
        self.network = self.seeing = network
        self.recipe = recipe
        self.random = keras.random.SeedGenerator(recipe.seed)
        if recipe.recognition:
            variant = networks.module(network.name).VARIANT
            self.look, self.head = efficientnet_lite.recogniser(variant)
            # The network, and what its encoder sees, in one pass
            seen = efficientnet_lite.features_of(network, variant)
            self.seeing = keras.Model(network.inputs, [*network.outputs, seen])

    def call(self, pictures, training=False):
        """What the network says of pictures, and what is true of them.

        Parameters
        ----------
        pictures : uint8 tensor [N, H, W, 3]

        Returns
        -------
        dict of str to float tensor
            `answer`, the network's [N, h, w, 2 or Q]; `L` and `ab`, the truth at its resolution; `hinted` [N], 1 where
            hints were given; with recognition `named` and `named_in_colour` [N, 1000], logits of what ImageNet's
            network sees in the encoder's features and in the colour pictures.
        """
        rgb = augment.flip(ops.cast(pictures, 'float32') / 255, self.random)
        clean, ab = lab.rgb_to_lab(rgb)
        L = augment.old_camera(lab.linear(rgb), self.recipe.aged, self.random)
        if len(self.network.inputs) == 2:
            given = hints.simulate(ab, self.recipe.hintless, self.random)
            answer, _, *seen = self.seeing([L, given], training=training)
            hinted = ops.cast(ops.any(given[..., 2] > 0, axis=1), 'float32')
        else:
            answer, seen = self.network(L, training=training), []
            hinted = ops.zeros_like(L[:, 0, 0, 0])
        stride = ops.shape(L)[1] // ops.shape(answer)[1]
        said = {'answer': answer, 'hinted': hinted}
        said |= {'L': ops.average_pool(clean, stride, stride), 'ab': ops.average_pool(ab, stride, stride)}
        if seen:
            said |= {'named': self.head(seen[0]), 'named_in_colour': self.head(self.look(2 * rgb - 1))}
        return said

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        said = {name: ops.cast(value, 'float32') for name, value in y_pred.items()}
        answer, L, ab = said['answer'], said['L'], said['ab']
        colours = bins.mean(answer) if networks.distribution(self.network) else answer
        if self.recipe.loss == 'mse':
            return ops.mean(((colours - ab) / 128) ** 2)
        regression = ops.mean(huber((colours - ab) / 110))
        if self.recipe.loss == 'huber':
            return regression
        cross_entropy = -ops.mean(ops.sum(bins.spread(ab) * ops.log_softmax(answer, axis=-1), axis=-1))
        loss = cross_entropy + self.recipe.huber * regression
        if self.recipe.psnr:
            told = said['hinted'] * soft_psnr(lab.lab_to_rgb(L, colours), lab.lab_to_rgb(L, ab))
            loss -= self.recipe.psnr * ops.mean(told)
        if self.recipe.recognition:
            loss += self.recipe.recognition * ops.mean(imitation(said['named_in_colour'], said['named']))
        return loss
