"""A model over a set of photos: figures that cannot flatter, hints, another model beside it, a sheet to look at.

Every picture is 256 x 256: short side 256, centre crop. The gray row (the same photos with a = b = 0) stands beside the
model's, because levels differ from one set of photos to another; gains over it can be compared.

References
----------
.. [1] R. Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, arXiv:1705.02999
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from lumachrome.contract import HINT_SIDE
from lumachrome.errors import UserError, atomic
from training import checkpoints, colorization, figures, hints, metrics, sheets, spill
from training.colorizers import FileColorizer, NetworkColorizer, parts, to_gray
from training.photos import Photos

SIDE = 256  # of a picture that is evaluated
SWEEP = (0, 1, 2, 5, 10, 20, 50, 100)  # hints a picture, as in [1]_
SHEET = 12  # pictures in a row of a contact sheet


class EvaluateError(UserError):
    """Why a model cannot be evaluated, in one sentence."""


def check_unseen(source: str | Path, photos: Photos) -> bool:
    """See that a model is judged by photos that it does not know.

    Parameters
    ----------
    source : path
        As of `training.colorizers.open_model`.
    photos : training.photos.Photos

    Returns
    -------
    bool
        False if `source` does not say from what photos it has learnt, as older files do not. What a record
        holds are hashes of the photos' files: copies that were written anew, and the photos of an encoder that was
        trained elsewhere, pass.

    Raises
    ------
    EvaluateError
        If its run, or one that it started from, has learnt from some of the photos.
    """
    known = checkpoints.learnt_from(source, photos)
    if known is not None and known.any():
        raise EvaluateError(
            f'{source} has learnt from {known.sum()} of these {len(photos)} photos, which would flatter it: '
            'name photos that were not given to fit, those of its --validation, or the share that was split off '
            'as --held-out.'
        )
    return known is not None


def mean_psnr(pictures: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB, the mean over the pictures."""
    return float(np.mean([metrics.psnr(a, b) for a, b in zip(pictures, truth, strict=True)]))


def quick_row(ours: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The figures that a run prints after each epoch."""
    psnr, gray = mean_psnr(ours, truth), mean_psnr(to_gray(truth), truth)
    return {
        'psnr': psnr,
        'gain': psnr - gray,
        'ab_error': float(np.mean([metrics.ab_error(a, b).mean() for a, b in zip(ours, truth, strict=True)])),
        'colorfulness': float(np.mean([metrics.colorfulness(p) for p in ours])),
    }


def hint_points(truth: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Hints as [1]_ places them for evaluation.

    Squares of 6 x 6 pixels (at 256) that hold the mean true ab, their centres normal around the middle with a quarter
    of the side as deviation.

    Parameters
    ----------
    truth : uint8 array [N, S, S, 3]
    count : int
        Hints a picture; the first of them are the same for every count.

    Returns
    -------
    float32 array [N, count, 4]
        x and y as fractions, a and b.
    """
    rng = np.random.default_rng(seed)
    n, side = truth.shape[:2]
    points = rng.normal(0.5, hints.SPREAD, (n, max(SWEEP), 2)).astype('float32')[:, :count]
    if count == 0:
        return np.zeros((n, 0, 4), 'float32')
    colors = []
    for part, places in zip(parts(truth), parts(points), strict=True):
        _, ab = colorization.prepare(part)
        given = ops.convert_to_tensor(places)
        squares = hints.squares(given, HINT_SIDE * side * ops.ones_like(given[..., 0]), side, side)
        colors.append(ops.convert_to_numpy(hints.colors_at(ab, squares)))
    return np.concatenate([points.clip(0, 1), np.concatenate(colors)], axis=-1)


@dataclass
class _Judged:
    """What is found out about one model, photo by photo."""

    shown: dict[str, np.ndarray]  # pictures, by the row's name, the gray one first
    values: dict[str, figures.Values]  # likewise
    spilled: dict[str, figures.Values]  # see `spill.measure`; empty if not asked for
    swept: dict[int, np.ndarray]  # gains in dB [N], by the number of hints; likewise


def _judge(model, truth, render_size, sweep, tried):
    points = {'faithful': 0.0, 'vivid': 1.0} if model.predicts_distribution else {model.name: 0.0}
    shown = {'gray': truth.gray}
    for name, vividness in points.items():
        shown[name] = model.colorize(truth.pictures, render_size, vividness)
    values = {name: truth.figures(pictures) for name, pictures in shown.items()}
    spilled = {
        name: spill.measure(model, truth, tried, shown[name], render_size, vividness)
        for name, vividness in points.items()
        if tried
    }
    swept = {}
    for count in SWEEP if sweep else ():
        ours = model.colorize(truth.pictures, render_size, points=hint_points(truth.pictures, count))
        swept[count] = truth.gain(ours)
    return _Judged(shown, values, spilled, swept)


def evaluate(
    model: NetworkColorizer | FileColorizer,
    photos: Photos,
    out: str | Path,
    render_size: int | None = None,
    sweep: bool = False,
    spills: bool = False,
    against: NetworkColorizer | FileColorizer | None = None,
) -> dict[str, Any]:
    """Judge a model by a set of photos.

    Parameters
    ----------
    model : NetworkColorizer or FileColorizer
    photos : training.photos.Photos
        Read at `SIDE`.
    out : path
        A folder; gets `metrics.json` and `sheet.jpg`.
    render_size : int, optional
    sweep : bool
        Whether to try hints of the true colours as well.
    spills : bool
        Whether to try how far hints spill: see `training.spill`.
    against : NetworkColorizer or FileColorizer, optional
        Another model, which is judged by the same photos and compared pair by pair.

    Returns
    -------
    dict
        What metrics.json holds: `rows`, the gray one first, the same `by_source`, and about what photos they are.
    """
    for judged in (model, against):
        if judged is not None and (sweep or spills) and not judged.takes_hints:
            raise EvaluateError(f'{judged.name} takes no hints: leave out --hints and --spill.')
    if len(photos) < 2:
        raise EvaluateError('A single photo has no standard error: name two or more.')
    truth = figures.Truth(photos)
    tried = spill.probes(truth) if spills else []
    if spills and len(tried) < 2:
        raise EvaluateError('Of these photos fewer than two have a region to hint at: name more, or leave out --spill.')
    ours = _judge(model, truth, render_size, sweep, tried)
    result = {
        'model': model.name,
        'photos': len(photos),
        'sources': sorted({Path(name).parent.name for name in photos.names}),
        'left_out': {reason: len(names) for reason, names in photos.left_out.items()},
        'side': SIDE,
        'render_size': render_size,
        'rows': [figures.row(name, values, truth.own) for name, values in ours.values.items()],
        'by_source': figures.by_source({name: ours.values[name] for name in ours.shown if name != 'gray'}, truth),
    }
    for row in result['rows']:
        if row['name'] in ours.spilled:
            row |= spill.summary(ours.spilled[row['name']])
    if sweep:
        result['hints'] = [
            {'count': count, 'psnr': float((gain + truth.gray_psnr).mean()), 'gain': float(gain.mean())}
            | {'gain_se': figures.mean(gain)['se']}
            for count, gain in ours.swept.items()
        ]
    if against is not None:
        result['against'] = _compared(ours, _judge(against, truth, render_size, sweep, tried), truth)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with atomic(out / 'metrics.json') as unfinished:
        unfinished.write_text(json.dumps(result, indent=1))
    bands = []
    for start in range(0, min(len(photos), 4 * SHEET), SHEET):
        part = slice(start, start + SHEET)
        bands += [pictures[part] for pictures in (*ours.shown.values(), truth.pictures)]
    sheets.pictures(bands).save(out / 'sheet.jpg', quality=90)
    return result


def _compared(ours, theirs, truth):
    """Row by row: faithful with faithful, vivid with vivid; a network with one colour a place is faithful."""
    pairs = list(zip(ours.shown, theirs.shown, strict=False))[1:]
    found = {'rows': []}
    for name, other in pairs:
        difference = figures.difference(ours.values[name], theirs.values[other], truth)
        if ours.spilled:
            spilled = [figures.ratio(s['outside'], s['inside']) for s in (ours.spilled[name], theirs.spilled[other])]
            difference['spill'] = figures.mean(np.subtract(*spilled))
        found['rows'].append({'name': name, 'other': other, **difference})
    if ours.swept:
        found['hints'] = [
            {'count': count, **figures.mean(gain - theirs.swept[count])} for count, gain in ours.swept.items()
        ]
    return found
