"""The losses that a network can learn by. A recipe names one: `loss = 'bins'`.

A loss is a function of what a network said and of what is true, registered under the name that recipes give it. Its
keyword arguments are weights, settings of the recipe that stand in `Weights`:

    @loss('mine')
    def mine(said, *, mine_weight):
        return mean_squared_error(said) + mine_weight * ops.mean(ops.abs(said['colors'] - said['ab']))

Nothing else has to know of it. `said` is a dict of float32 tensors:

    answer   [N, h, w, 2 or Q]   the network's own, ab or logits over the bins
    colors   [N, h, w, 2]        its ab, CIELAB units: the answer, or the mean of its distribution
    L, ab    [N, h, w, 1 and 2]  the truth, CIELAB units
    hinted   [N]                 1 where hints were given, 0 elsewhere

With `distillation_weight`, also `teacher_logits` and `student_logits` [N, 1000]: what ImageNet's classifier sees in the
colour pictures, and in the features of the network's encoder, which sees them in gray.

References
----------
.. [1] R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", 2016, arXiv:1603.08511
.. [2] G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keras import ops

from training import bins, lab


def setting(default: Any, help: str) -> Any:
    """A field of a recipe, with what `python -m training fit --help` says of it."""
    return field(default=default, metadata={'help': help})


@dataclass
class Weights:
    """The weights of the losses' terms: settings of every recipe."""

    huber_weight: float = setting(10.0, 'beside the bins, of the Huber loss on their mean')
    psnr_weight: float = setting(0.0, 'beside the bins, of a dB of PSNR in photos with hints, whose errors are small')
    distillation_weight: float = setting(
        0.0, "beside the bins, of naming in gray what ImageNet's classifier names in colour"
    )


@dataclass(frozen=True)
class Loss:
    """A loss that recipes can name.

    Attributes
    ----------
    function : callable
        Of `said` and of the weights to a scalar tensor.
    needs_distribution : bool
        Whether it is for networks alone that predict one.
    """

    function: Callable[..., Any]
    needs_distribution: bool

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights that it takes."""
        return tuple(inspect.signature(self.function).parameters)[1:]

    def __call__(self, said: dict[str, Any], settings: Weights) -> Any:
        """The loss, a scalar tensor, with the weights of a recipe."""
        return self.function(said, **{name: getattr(settings, name) for name in self.weights})


LOSSES: dict[str, Loss] = {}


def loss(name: str, needs_distribution: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the loss that recipes call `name`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        LOSSES[name] = Loss(function, needs_distribution)
        return function

    return register


@loss('mse')
def mean_squared_error(said):
    """The mean squared error of ab, in units of 128, as in the article."""
    return ops.mean(((said['colors'] - said['ab']) / 128) ** 2)


@loss('huber')
def huber_loss(said):
    """The Huber loss of ab, in units of 110."""
    return ops.mean(huber((said['colors'] - said['ab']) / 110))


@loss('bins', needs_distribution=True)
def bins_loss(said, *, huber_weight, psnr_weight, distillation_weight):
    """Cross-entropy of the distribution with the soft-encoded truth [1]_, and more terms by their weights."""
    encoded = bins.soft_encode(said['ab'])
    cross_entropy = -ops.mean(ops.sum(encoded * ops.log_softmax(said['answer'], axis=-1), axis=-1))
    total = cross_entropy + huber_weight * huber_loss(said)
    if psnr_weight:
        ours, truth = (lab.lab_to_rgb(said['L'], ab) for ab in (said['colors'], said['ab']))
        total -= psnr_weight * ops.mean(said['hinted'] * soft_psnr(ours, truth))
    if distillation_weight:
        total += distillation_weight * ops.mean(distillation_loss(said['teacher_logits'], said['student_logits']))
    return total


# What losses are made of


def huber(error, knee=0.1):
    """Quadratic up to `knee`, linear beyond, scaled to a slope of 1: outliers do not pull the colours to brown."""
    size = ops.abs(error)
    return ops.where(size < knee, size**2 / (2 * knee), size - knee / 2)


def distillation_loss(teacher, student):
    """Cross-entropy of a student's classes with its teacher's [2]_, of logits [N, C]: [N]."""
    return -ops.sum(ops.softmax(teacher, axis=-1) * ops.log_softmax(student, axis=-1), axis=-1)


def soft_psnr(ours, theirs, least=1e-4):
    """PSNR in dB of pictures [N, H, W, 3] from 0 to 1: [N]. The `least` error (40 dB) keeps gradients finite."""
    return -10 * ops.log10(ops.mean((ours - theirs) ** 2, axis=(1, 2, 3)) + least)
