"""A recipe: everything that decides how a network is fitted, save where the photos lie and where the run goes.

Recipes are .toml files in `training/configs`, one a network that was fitted with it; flags of the command line override
them. The defaults here are a first try for any network.
"""

import dataclasses
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lumachrome.errors import UserError
from training import losses, networks
from training.losses import setting

OPTIMIZERS = ('adamw', 'rmsprop')
FINISHES = ('plain', 'adversarial')


class RecipeError(UserError):
    """What is wrong with a recipe, in one sentence."""


@dataclass
class Recipe(losses.Weights):
    """The settings of a run, with those of `training.losses.Weights`."""

    network: str = setting('unet', f'one of {", ".join(networks.NAMES)}: see training/networks')
    encoder_weights: str = setting('imagenet', "'imagenet', or 'none' to start from nothing (networks with an encoder)")
    freeze: int = setting(0, 'blocks of the encoder that stay as they are')

    held_out: float = setting(0.1, 'share of the photos that is split off to judge by, where no others are named')
    canvas: int = setting(176, 'side in pixels at which photos are kept')
    size: int = setting(128, 'side in pixels of the crops that the network learns from')
    smallest_crop: float = setting(0.35, "least share of a photo's area in a crop")
    aging_prob: float = setting(0.0, "probability that a crop's lightness is that of an old photograph")
    aged_by: str = setting(
        '', "a run of `training age`, whose ager then says how an old photograph looks; '': as we imagine it"
    )
    no_hint_prob: float = setting(0.5, 'probability that a crop gets no hint (networks that take hints)')
    recolor_prob: float = setting(
        0.0, 'probability that a thing in a crop with hints gets another colour, by the first of them'
    )

    batch: int = setting(32, 'photos a step')
    budget: int = setting(100_000, 'photos to see in all')
    minutes: float = setting(0.0, 'end by then, also where the budget is not reached; 0: no limit')
    epoch: int = setting(6_400, 'photos between two checkpoints')

    loss: str = setting('huber', f'one of {", ".join(losses.LOSSES)}: see training/losses.py')
    finish: str = setting('plain', "'plain', or 'adversarial': against a critic, from a network that has learnt")
    adversarial_weight: float = setting(0.01, "of the critic's verdict beside the loss")
    optimizer: str = setting('adamw', f'one of {", ".join(OPTIMIZERS)}')
    learning_rate: float = setting(1e-3, 'at its highest: it warms up linearly, then falls along a cosine')
    encoder_rate: float = setting(0.3, "the encoder's share of the learning rate")
    warmup: float = setting(0.03, 'share of the run in which the learning rate rises')
    weight_decay: float = setting(0.01, 'of the kernels, at each step, times the learning rate; adamw alone')
    ema: float = setting(
        0.99, 'momentum of the average of the weights that is kept; the first steps fade after a few hundred'
    )
    mixed_precision: bool = setting(False, 'bfloat16 where it is safe: for accelerators')
    seed: int = setting(0, 'of all that is drawn by lot')

    def __post_init__(self) -> None:
        def require(holds: bool, sentence: str) -> None:
            if not holds:
                raise RecipeError(sentence)

        for number in dataclasses.fields(self):
            value = getattr(self, number.name)
            is_right = not isinstance(value, int | float) or 0 <= value < math.inf
            require(is_right, f'{number.name} = {value}: it must be a number, and not below 0.')
        require(self.network in networks.NAMES, f'network = {self.network!r}: choose one of {networks.NAMES}.')
        multiple = networks.module(self.network).MULTIPLE
        require(self.size % multiple == 0, f'size = {self.size}: {self.network} takes multiples of {multiple}.')
        require(self.size >= multiple, f'size = {self.size} is too small.')
        require(self.canvas >= self.size, f'canvas = {self.canvas} is smaller than size = {self.size}.')
        require(self.loss in losses.LOSSES, f'loss = {self.loss!r}: choose one of {tuple(losses.LOSSES)}.')
        require(self.optimizer in OPTIMIZERS, f'optimizer = {self.optimizer!r}: choose one of {OPTIMIZERS}.')
        require(self.finish in FINISHES, f'finish = {self.finish!r}: choose one of {FINISHES}.')
        criticized = self.finish == 'adversarial' or self.adversarial_weight == Recipe.adversarial_weight
        require(criticized, "adversarial_weight counts only with finish = 'adversarial'.")
        require(self.encoder_weights in ('imagenet', 'none'), "encoder_weights: choose 'imagenet' or 'none'.")
        for weight in dataclasses.fields(losses.Weights):
            value = getattr(self, weight.name)
            takers = [name for name, loss in losses.LOSSES.items() if weight.name in loss.weights]
            counts = self.loss in takers or value == weight.default
            require(counts, f'{weight.name} counts only with loss = {" or ".join(map(repr, takers))}.')
        teachable = networks.encoder(self.network) is not None or not self.distillation_weight
        require(teachable, f'distillation_weight: {self.network} has no encoder that could be taught.')
        for share in ('held_out', 'smallest_crop', 'aging_prob', 'no_hint_prob', 'recolor_prob', 'warmup', 'ema'):
            require(0 <= getattr(self, share) <= 1, f'{share} = {getattr(self, share)}: it goes from 0 to 1.')
        require(self.warmup < 1, 'warmup = 1 leaves nothing of the run for the learning rate to fall in.')
        ages = not self.aged_by or self.aging_prob > 0
        require(ages, f'aged_by = {self.aged_by!r} counts only with aging_prob above 0.')
        for number in ('batch', 'budget', 'epoch', 'learning_rate', 'smallest_crop', 'adversarial_weight'):
            require(getattr(self, number) > 0, f'{number} = {getattr(self, number)}: it must be above 0.')
        require(self.epoch >= self.batch, f'epoch = {self.epoch} holds no batch of {self.batch}.')


def fields() -> tuple[dataclasses.Field[Any], ...]:
    """The settings' names, types and defaults, and in their metadata, as `help`, what they are."""
    return dataclasses.fields(Recipe)


def load(config: str | Path | None = None, **overrides: Any) -> Recipe:
    """The recipe of a .toml file with some of its settings replaced.

    Parameters
    ----------
    config : path, optional
    **overrides
        Settings; None leaves one as it is.

    Raises
    ------
    RecipeError
        If the file is missing or no TOML, or a setting is unknown, of the wrong type or out of its range.
    """
    in_file: dict[str, Any] = {}
    if config:
        try:
            in_file = tomllib.loads(Path(config).read_text())
        except OSError as error:
            raise RecipeError(f'{config} cannot be read: {error.strerror}.') from error
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f'{config} is not valid TOML: {error}.') from error
    given = {name: value for name, value in overrides.items() if value is not None}
    settings = in_file | given
    kinds = {field.name: cast(type, field.type) for field in fields()}  # text only where annotations are postponed
    for name, value in settings.items():
        said = f'--{name.replace("_", "-")} {value}' if name in given else f'{config}: {name} = {value!r}'
        if name not in kinds:
            raise RecipeError(f'{said}: no recipe knows that setting, it has {", ".join(kinds)}.')
        if kinds[name] is float and type(value) is int:
            settings[name] = value = float(value)
        if type(value) is not kinds[name]:
            raise RecipeError(f'{said}: it should be of type {kinds[name].__name__}.')
    return Recipe(**settings)
