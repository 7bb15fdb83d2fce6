"""The networks, one a file. Each takes L and gives colours; every scaling happens inside the network.

    network(L)           L      float32 [N, H, W, 1], CIELAB lightness, 0 to 100; H and W multiples of MULTIPLE
    ──▶ ab               float32 [N, H/s, W/s, 2], CIELAB units; s = 1, 2 or 4
     or logits           float32 [N, H/s, W/s, Q], over the ab bins of `training.bins`

    network([L, hints])  hints  float32 [N, K, 5], as `training.hints` describes them
    ──▶ [logits, share]  share  float32 [N, H/s, W/s, 1], 0 to 1: how much of a place has its colour from hints

A network's file has `build()`, which gives a fresh `keras.Model` that is named as the file is, and the constants
MULTIPLE (sizes it takes are multiples of this) and RENDER_SIZE (the short side, in pixels, at which it looks at a photo
unless told otherwise).
"""

import importlib
import json
import textwrap
import zipfile
from pathlib import Path

import keras
import numpy as np

from training import bins
from training.networks import layers  # noqa: F401

# `layers` is imported for its side effect: Keras reads a saved network only where its layers are known.

NAMES = ('article', 'unet', 'lumachrome')


def module(name):
    """The module of the network called `name`.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if name not in NAMES:
        raise ValueError(f'There is no network called {name!r}: choose one of {", ".join(NAMES)}.')
    return importlib.import_module(f'training.networks.{name}')


def load(source):
    """A network that was kept.

    Parameters
    ----------
    source : path
        A run folder (its best network), a .keras file, a .npz file that `keep` wrote, or a .h5 file of the article's
        weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    ValueError
        If `source` is none of these, or cannot be read.
    """
    source = Path(source)
    if source.is_dir():
        source = source / 'best.keras'
        if not source.exists():
            raise ValueError(
                f'{source.parent} holds no best.keras: is it the folder of a run that got through an epoch?'
            )
    if not source.exists():
        raise ValueError(f'{source} does not exist: name a run folder, a .keras file or a .npz file of weights.')
    try:
        if source.suffix == '.npz':
            with np.load(source) as kept:
                network = build(str(kept['network']), encoder_weights='none')
                network.set_weights([kept[f'weight_{i}'] for i in range(len(network.weights))])
            return network
        if source.suffix == '.h5':
            network = build('article')
            network.load_weights(source)
            return network
        network = keras.models.load_model(source, compile=False)
    except (OSError, EOFError, TypeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        why = textwrap.shorten(str(error), 160)  # Keras prints whole configurations
        raise ValueError(f'{source} cannot be read as a network of this version: {why}') from error
    if network.name not in NAMES:
        raise ValueError(f'{source} is a network called {network.name!r}, none of ours: {", ".join(NAMES)}.')
    return network


def run_of(source):
    """The folder of the run whose network `source` (as of `load`) is; None if it is of no run."""
    source = Path(source)
    folder = source if source.is_dir() else source.parent
    ours = source.is_dir() or source.name in ('best.keras', 'last.keras')
    return folder if ours and (folder / 'run.json').exists() else None


def record(source):
    """What run.json says of the network `source` (as of `load`), its `photos_seen` included; {} if it is of no run."""
    folder = run_of(source)
    if folder is None:
        return {}
    run = json.loads((folder / 'run.json').read_text())
    if Path(source).name != 'last.keras':
        run['photos_seen'] = run.get('best_photos_seen', run['photos_seen'])
    return run


def photos_seen(source):
    """How many photos the network of `source` (as of `load`) has seen, over all its runs; 0 where nobody counted."""
    source = Path(source)
    if run := record(source):
        return run.get('photos_before', 0) + run['photos_seen']
    if source.suffix == '.npz':
        with np.load(source) as kept:
            return int(kept.get('photos_seen', 0))
    return 0


def keep(source, path):
    """Write the weights of `source` (as of `load`) to a small .npz file, kernels in float16, to start from."""
    network = load(source)
    # Only kernels: the variances of batch norms may be larger than float16 holds, and weigh nothing.
    weights = [w.astype('float16') if w.ndim == 4 else w for w in network.get_weights()]
    unfinished = Path(path).with_suffix('.part.npz')
    named = {f'weight_{i}': w for i, w in enumerate(weights)}
    np.savez(unfinished, network=network.name, photos_seen=photos_seen(source), **named)
    unfinished.rename(path)


def build(name, encoder_weights='imagenet'):
    """A fresh network; `encoder_weights` counts only for those with an encoder."""
    made = module(name)
    return made.build(encoder_weights) if name == 'lumachrome' else made.build()


def distribution(network):
    """The layer `training.bins.Distribution` of a network that predicts one, otherwise None."""
    found = [layer for layer in network.layers if isinstance(layer, bins.Distribution)]
    return found[0] if found else None


def freeze(network, blocks):
    """Keep the first `blocks` blocks of a network's encoder as they are, batch norms too.

    Raises
    ------
    ValueError
        If the network has no encoder and `blocks` is not 0.
    """
    if blocks == 0:
        return
    if not hasattr(module(network.name), 'freeze'):
        raise ValueError(f'{network.name} has no encoder of which blocks could stay frozen.')
    module(network.name).freeze(network, blocks)
