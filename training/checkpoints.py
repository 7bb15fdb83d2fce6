"""Kept networks: written, read, and what is recorded of them.

A network is kept as a .keras file (float32, all of it), or as a .npz file of its weights alone, half as large, for
others to start from. In a run's folder run.json records how a network came about, and learnt.npy from which photos;
the latter travels with the weights, into .npz files and finished ones.
"""

import json
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx

from lumachrome import contract
from lumachrome.errors import atomic
from training import hints, networks
from training.learnt import unpacked
from training.networks import NetworkError, layers  # noqa: F401
from training.photos import Photos

# `layers` is imported for its side effect: Keras reads a saved network only where its layers are known.


def load(source: str | Path) -> keras.Model:
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
    NetworkError
        If `source` is none of these, or cannot be read.
    """
    source = Path(source)
    if source.is_dir():
        source = source / 'best.keras'
        if not source.exists():
            raise NetworkError(
                f'{source.parent} holds no best.keras: is it the folder of a run that got through an epoch?'
            )
    if not source.exists():
        raise NetworkError(f'{source} does not exist: name a run folder, a .keras file or a .npz file of weights.')
    try:
        if source.suffix == '.npz':
            with np.load(source) as kept:
                network = networks.build(str(kept['network']), encoder_weights='none')
                network.set_weights([kept[f'weight_{i}'] for i in range(len(network.weights))])
            return network
        if source.suffix == '.h5':
            network = networks.build('article')
            network.load_weights(source)
            return network
        network = keras.models.load_model(source, compile=False)
    except (OSError, EOFError, TypeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        why = textwrap.shorten(str(error), 160)  # Keras prints whole configurations
        raise NetworkError(f'{source} cannot be read as a network of this version: {why}') from error
    if network.name not in networks.NAMES:
        ours = ', '.join(networks.NAMES)
        raise NetworkError(f'{source} is a network called {network.name!r}, none of ours: {ours}.')
    if len(network.inputs) == 2 and network.inputs[1].shape[-1] != hints.COLUMNS:  # kept before hints had a reach
        weights = network.get_weights()
        network = networks.build(network.name, encoder_weights='none')
        network.set_weights(weights)
    return network


def save(network: keras.Model, path: str | Path) -> None:
    """Write a .keras file whole or not at all."""
    with atomic(path) as unfinished:
        network.save(unfinished)


def keep(source: str | Path, path: str | Path) -> None:
    """Write the weights of `source` (as of `load`) to a small .npz file, kernels in float16, to start from."""
    network = load(source)
    # Only kernels: the variances of batch norms may be larger than float16 holds, and weigh nothing.
    weights = [w.astype('float16') if w.ndim == 4 else w for w in network.get_weights()]
    named = {f'weight_{i}': w for i, w in enumerate(weights)}
    with atomic(path) as unfinished, open(unfinished, 'wb') as file:
        np.savez(file, network=network.name, photos_seen=photos_seen(source), learnt=learnt_by(source), **named)


def run_of(source: str | Path) -> Path | None:
    """The folder of the run whose network `source` (as of `load`) is; None if it is of no run."""
    source = Path(source)
    folder = source if source.is_dir() else source.parent
    ours = source.is_dir() or source.name in ('best.keras', 'last.keras')
    return folder if ours and (folder / 'run.json').exists() else None


def record(source: str | Path) -> dict[str, Any]:
    """What run.json says of the network `source` (as of `load`), its `photos_seen` included; {} if it is of no run."""
    folder = run_of(source)
    if folder is None:
        return {}
    run = json.loads((folder / 'run.json').read_text())
    if Path(source).name != 'last.keras':
        run['photos_seen'] = run.get('best_photos_seen', run['photos_seen'])
    return run


def photos_seen(source: str | Path) -> int:
    """How many photos the network of `source` (as of `load`) has seen, over all its runs; 0 where nobody counted."""
    source = Path(source)
    if run := record(source):
        return run.get('photos_before', 0) + run['photos_seen']
    if source.suffix == '.npz':
        with np.load(source) as kept:
            return int(kept.get('photos_seen', 0))
    return 0


def learnt_by(source: str | Path) -> npt.NDArray[np.uint64]:
    """Which photos the network `source` (as of `load`) has learnt from, over all its runs that kept it.

    Returns
    -------
    uint64 array
        Their `numbers`, in order; empty where nobody kept them.
    """
    source = Path(source)
    if source.suffix == '.npz':
        with np.load(source) as kept:
            return kept.get('learnt', np.zeros(0, 'uint64'))
    folder = run_of(source)
    kept = folder and folder / 'learnt.npy'
    return np.load(kept) if kept and kept.exists() else np.zeros(0, 'uint64')


def learnt_from(source: str | Path, photos: Photos) -> npt.NDArray[np.bool_] | None:
    """Which of these photos a network has learnt from.

    Parameters
    ----------
    source : path
        As of `load`, or a finished .onnx file.
    photos : training.photos.Photos

    Returns
    -------
    bool array [n], or None
        None where nobody kept it. A finished file holds half of each number, so that of 60,000 photos and 1,000 others
        one is taken for another in one case of 70.
    """
    ours = numbers(photos)
    if Path(source).suffix != '.onnx':
        learnt = learnt_by(source)
    else:
        ours, learnt = ours >> 32, unpacked(_said_by(source))
    return np.isin(ours, learnt) if len(learnt) else None


def _said_by(path):
    """The photos' packed numbers in a finished file's metadata; an empty text where it has none."""
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return said.get(contract.METADATA_PREFIX + 'learnt', '')


def numbers(photos: Photos) -> npt.NDArray[np.uint64]:
    """The photos' digests, shortened: uint64 [n]."""
    return np.array([int(digest[:16], 16) for digest in photos.digests], 'uint64')
