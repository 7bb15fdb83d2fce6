"""Photos aged by a network that has learnt what age looks like (`python -m training age`), for `fit --aged-by`."""

import zipfile
from pathlib import Path

import keras
from keras import layers, ops

from lumachrome.errors import UserError

NAME = 'ager.keras'
FILTERS = 8  # of the networks at the finest


class AgingError(UserError):
    """Why age cannot be learnt, or applied, in one sentence."""


def build_generator(takes_grain: bool, filters: int = FILTERS) -> keras.Model:
    """L [N, H, W, 1], 0 to 100, to L of the other kind; H and W even.

    It says what to add to L, at first nothing; most of it sees at half the resolution, a window of some 30 pixels, and
    a skip keeps the finest. So it can change tone, sharpness and grain, and hardly what the photo shows.

    Parameters
    ----------
    takes_grain : bool
        Whether it has a second input [N, H, W, 1], noise of variance 1.
    filters : int
        At the whole resolution.
    """

    def conv(x, filters, strides=1):
        return layers.Conv2D(filters, 3, strides, padding='same', kernel_initializer='he_normal')(x)

    L, grain = layers.Input((None, None, 1), name='L'), layers.Input((None, None, 1), name='grain')
    x = layers.Rescaling(1 / 50, offset=-1)(L)
    fine = layers.ReLU()(conv(layers.Concatenate()([x, grain]) if takes_grain else x, filters))
    x = layers.ReLU()(conv(fine, 2 * filters, strides=2))
    for _ in range(3):
        x = layers.Add()([x, conv(layers.ReLU()(conv(x, 2 * filters)), 2 * filters)])
    x = layers.UpSampling2D()(layers.Conv2D(filters, 1)(x))  # a pixel shuffle left the grid of its pixels in the photo
    x = layers.ReLU()(conv(layers.Concatenate()([x, fine]), filters))
    # No normalisation anywhere: it would take away how light a photo is, which is what fades
    change = layers.Conv2D(1, 3, padding='same', kernel_initializer='zeros')(x)
    other = layers.Add()([L, layers.Rescaling(50.0)(change)])
    return keras.Model([L, grain], other, name='ager') if takes_grain else keras.Model(L, other, name='cleaner')


def load(source: str | Path) -> keras.Model:
    """The ager that a run of `python -m training age` kept.

    Parameters
    ----------
    source : path
        The run's folder, or its ager.keras.

    Raises
    ------
    AgingError
        If there is none, or the file is something else.
    """
    path = Path(source) / NAME if Path(source).is_dir() else Path(source)
    if not path.exists():
        raise AgingError(f'{path} does not exist: name the folder of a run of `python -m training age`.')
    try:
        ager = keras.models.load_model(path, compile=False)
    except (OSError, EOFError, TypeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise AgingError(f'{path} cannot be read as a network: learn it anew with `python -m training age`.') from error
    if ager.name != 'ager':
        raise AgingError(f'{path} is a network called {ager.name!r}, not one that ages photos.')
    ager.trainable = False
    return ager


def aged(L, ager, share, seed):
    """Some photos as the ager has them, each with grain of its own.

    Parameters
    ----------
    L : float tensor [N, H, W, 1]
        0 to 100; H and W even.
    ager : keras.Model
    share : float
        Share of the photos that are aged; the others stay as they are.
    seed : keras.random.SeedGenerator

    Returns
    -------
    float tensor [N, H, W, 1]
        L, 0 to 100.
    """
    old = ops.clip(ager([L, keras.random.normal(ops.shape(L), seed=seed)]), 0, 100)
    return ops.where(keras.random.uniform((ops.shape(L)[0], 1, 1, 1), seed=seed) < share, old, L)
