"""The networks, one a file. Each takes L and gives colours; every scaling happens inside the network.

    network(L)           L      float32 [N, H, W, 1], CIELAB lightness, 0 to 100; H and W multiples of MULTIPLE
    ──▶ ab               float32 [N, H/s, W/s, 2], CIELAB units; s = 1, 2 or 4
     or logits           float32 [N, H/s, W/s, Q], over the ab bins of `training.bins`

    network([L, hints])  hints  float32 [N, K, 6], as `training.hints` describes them
    ──▶ [logits, share]  share  float32 [N, H/s, W/s, 1], 0 to 1: how much of a place has its colour from hints

A network's file has `build()`, which gives a fresh `keras.Model` that is named as the file is, and the constants
MULTIPLE (sizes it takes are multiples of this) and RENDER_SIZE (the short side, in pixels, at which it looks at a photo
unless told otherwise).

One that stands on an encoder says so: ENCODER is then an object with the methods of
`efficientnet_lite.EfficientNetLite`, `build(encoder_weights)` takes 'imagenet' or 'none', and `freeze(network, blocks)`
keeps its first blocks as they are. Nobody else needs to know which encoder it is.

One that takes hints may have `parted(network)`, as below, so that it need not see a photo twice.
"""

import importlib
from types import ModuleType

import keras

from lumachrome.errors import UserError
from training import bins
from training.networks.efficientnet_lite import EfficientNetLite

NAMES = ('article', 'unet', 'lumachrome')


class NetworkError(UserError):
    """A network that is not known, cannot be read, or lacks what was asked of it."""


def module(name: str) -> ModuleType:
    """The module of the network called `name`.

    Raises
    ------
    NetworkError
        If there is no such network.
    """
    if name not in NAMES:
        raise NetworkError(f'There is no network called {name!r}: choose one of {", ".join(NAMES)}.')
    return importlib.import_module(f'training.networks.{name}')


def build(name: str, encoder_weights: str = 'imagenet') -> keras.Model:
    """A fresh network; `encoder_weights` ('imagenet' or 'none') counts only for those with an encoder."""
    made = module(name)
    return made.build() if encoder(name) is None else made.build(encoder_weights)


def encoder(name: str) -> EfficientNetLite | None:
    """The encoder that the network called `name` stands on, or None."""
    return getattr(module(name), 'ENCODER', None)


def distribution(network: keras.Model) -> bins.Distribution | None:
    """The layer `training.bins.Distribution` of a network that predicts one, otherwise None."""
    found = [layer for layer in network.layers if isinstance(layer, bins.Distribution)]
    return found[0] if found else None


def parted(network: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """A copy of a network in two parts, the second of which is enough to ask again with other hints.

    Weights that the network learns later are not the copy's.

    Returns
    -------
    encoder : keras.Model or None
        The network's inputs to features. None where the network is in one piece, which is then no copy.
    decoder : keras.Model
        The features, if any, and then the network's inputs to its outputs.
    """
    part = getattr(module(network.name), 'parted', None)
    if part is None:
        return None, network
    copy = keras.models.clone_model(network)  # Keras could not save a network any more whose layers a part shares
    copy.set_weights(network.get_weights())
    return part(copy)


def freeze(network: keras.Model, blocks: int) -> None:
    """Keep the first `blocks` blocks of a network's encoder as they are, batch norms too.

    Raises
    ------
    NetworkError
        If the network has no encoder and `blocks` is not 0.
    """
    if blocks == 0:
        return
    if encoder(network.name) is None:
        raise NetworkError(f'{network.name} has no encoder of which blocks could stay frozen.')
    module(network.name).freeze(network, blocks)


def in_encoder(network: keras.Model) -> set[str]:
    """The paths of the network's variables that belong to its encoder: a set of str, empty where it has none."""
    ours = encoder(network.name)
    return {v.path for v in network.variables if ours is not None and ours.block_of(v.path) is not None}


def with_teacher(network: keras.Model) -> tuple[keras.Model, keras.Model, keras.Model]:
    """What distillation takes: the network, and the classifier that its encoder was a part of.

    Parameters
    ----------
    network : keras.Model
        One with an encoder.

    Returns
    -------
    student : keras.Model
        The network's inputs to its outputs, and then its encoder's features of stride 32, in one pass.
    features : keras.Model
        sRGB pictures [N, H, W, 3] from 0 to 1 to the features that the classifier sees in them. It is not trained.
    head : keras.Model
        Features to logits of the 1,000 things [N, 1000]. It is not trained either.

    Raises
    ------
    NetworkError
        If the network has no encoder.
    """
    ours = encoder(network.name)
    if ours is None:
        raise NetworkError(f'{network.name} has no encoder that could be taught.')
    student = keras.Model(network.inputs, [*network.outputs, ours.features_of(network)])
    return student, *ours.classifier()
