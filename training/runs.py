"""A run's folder: what it holds, who is at work in it, and where its run goes on.

    runs/NAME/run.json      the recipe, how far the run got, and a row of figures for each epoch
              state.npz     everything that an interrupted run needs to go on exactly; with it an epoch is over
              last.keras    the network as it is (float32, averaged weights)
              best.keras    and as it was when its validation PSNR was highest
              learnt.npy    which photos it has learnt from, the network it starts from included
              sheets/       gray, ours, truth on the same validation photos after each epoch
              log/          for TensorBoard

Each is written beside its place first and then renamed, so that a run can be cut short at any moment.
"""

import dataclasses
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout
from keras import ops

from lumachrome.errors import UserError, atomic
from training import checkpoints
from training.photos import Photos
from training.recipe import Recipe

UNFINISHED = 'state.part.npz'
OF_BEST = ('metrics.json', 'vivid.json')  # what was found out about best.keras
REACHED = ('epoch', 'photos_seen', 'minutes')  # how far a run is


class FitError(UserError):
    """Why a run cannot begin or go on, in one sentence."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run's folder: two processes in one would mix their networks."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / 'lock', timeout=0):
            yield
    except Timeout as error:
        raise FitError(f'Another process is at work in {folder}: wait until it is done, or end it.') from error


def begin_or_go_on(settings: Recipe, out: Path, data: str) -> dict[str, Any] | None:
    """The facts that run.json starts from or went on to; None if the run is finished."""
    ours = dataclasses.asdict(settings)
    if not (out / 'state.npz').exists():
        if (out / 'best.keras').exists() and not (out / UNFINISHED).exists():
            raise FitError(
                f'{out} holds a network, but not the state.npz that its run would go on from: '
                'take another --out, and --init-from to start from that network.'
            )
        return {
            'network': settings.network,
            'backend': keras.backend.backend(),
            'data': data,
            'config': ours,
            'photos_before': 0,  # of the network that this run starts from
            'photos_seen': 0,
            'minutes': 0.0,
            'judging': 0.0,  # minutes that an epoch's end took
            'epoch': 0,
            'history': [],
        }
    facts = json.loads((out / 'run.json').read_text())
    if facts['config'].keys() != ours.keys():
        raise FitError(
            f'{out} was begun by another version of this program, whose recipes had other settings: '
            'take another --out, and --init-from to start from its network.'
        )
    with np.load(out / 'state.npz') as state:
        # run.json may be an epoch ahead, if the run was cut short between the two
        facts |= {name: state[name].item() for name in REACHED}
    facts['history'] = facts['history'][: facts['epoch']]
    for name, value in ours.items():
        if name not in ('budget', 'minutes') and facts['config'][name] != value:
            raise FitError(
                f'{out} was begun with {name} = {facts["config"][name]}, not {value}: '
                'take the same settings to go on with it, or another --out (and --init-from to start from its network).'
            )
    for name, reached in (('budget', facts['photos_seen']), ('minutes', facts['minutes'] + facts['judging'])):
        if 0 < getattr(settings, name) <= reached:
            print(f'{out} is finished ({name} = {getattr(settings, name)}): raise --{name} to go on with it.')
            return None
    return facts | {'config': ours}


def _changing(model):
    """Variables of a `colorization.Colorization` in training; not those of what only teaches it."""
    critic = model.critic.variables if model.critic else []
    return [*model.network.variables, *critic, model.random.state, *model.optimizer.variables]


def write_state(model: keras.Model, facts: dict[str, Any], path: Path) -> None:
    """Write every variable that training changes, and how far the run is."""
    values = [ops.convert_to_numpy(ops.cast(v, v.dtype)) for v in _changing(model)]
    if not all(np.isfinite(value).all() for value in values):
        raise FitError(f'The weights are no numbers any more: lower learning_rate. {path.parent} is as it was before.')
    np.savez(path, *values, **{name: facts[name] for name in REACHED})


def load_state(model: keras.Model, path: Path) -> None:
    """The inverse of `write_state`, for a model of the same recipe."""
    variables = _changing(model)
    with np.load(path) as state:
        values = [state[name] for name in state.files if name not in REACHED]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise FitError(
            f'{path} is the state of another network, or of another version of this program than the one that began '
            f'{path.parent}. Take another --out, and --init-from to start from what still fits.'
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def replace_best(network: keras.Model, folder: Path) -> None:
    """Write best.keras; what was found out about the one before goes, so that nobody takes it for true of this one."""
    gone = [name for name in OF_BEST if (folder / name).exists()]
    for name in gone:
        (folder / name).unlink()
    if gone:
        print(f' {" and ".join(gone)} in {folder} told of the best network before, and are gone: make them anew.')
    checkpoints.save(network, folder / 'best.keras')


def write_json(facts: Any, path: Path) -> None:
    """Write a .json file whole or not at all."""
    with atomic(path) as unfinished:
        unfinished.write_text(json.dumps(facts, indent=1))


def keep_learnt(train: Photos, validation: Photos, out: Path, init_from: str | Path | None) -> None:
    """Write down what photos a run learns from, if none of those that judge it is among them."""
    before = np.concatenate([checkpoints.learnt_by(source) for source in (out, init_from) if source])
    known = np.isin(checkpoints.numbers(validation), before).sum()
    if known:
        raise FitError(
            f'{known} of the {len(validation)} validation photos have been learnt from before, by {init_from or out}: '
            'they would flatter. Take the same held_out as there, or name other photos with --validation.'
        )
    with atomic(out / 'learnt.npy') as unfinished:
        np.save(unfinished, np.union1d(before, checkpoints.numbers(train)))


def cooled(rest: float) -> float:
    """The learning rate's share in the falling part of a run, of which `rest` (0 to 1) is over: a cosine from 1 down to
    a hundredth."""
    return 0.01 + 0.99 * (1 + math.cos(math.pi * rest)) / 2
