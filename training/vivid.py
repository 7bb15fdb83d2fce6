"""The vivid point: how a distribution is read so that a picture is as colourful as life, at the least cost.

The mean of all likely colours is faithful and dull. PSNR and colorfulness pull against each other; how best to trade
one for the other is learnt, as nobody knows it beforehand: each bin gets a weight and a colour of its own
(`bins.vivid`). The photos are ones that the network has not learnt from, as it is too sure about those, and never those
that results are reported on; most of them are learnt from, and the rest decide how far the colours go.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from lumachrome.errors import UserError
from training import bins, checkpoints, colorization, colorizers, evaluate, lab, losses, metrics, photos, runs

PRICE = 0.08  # dB of PSNR that one unit of colorfulness may cost
RENDER_SIZE = 192  # at which photos are read here: small ones gain nothing from more
STEPS, BATCH = 1000, 64
MOST = 2000  # photos; the logits of these take a gigabyte
JUDGING = 4  # of so many photos, one decides how far the colours go
GAINS = np.linspace(0.7, 1.4, 15)  # on the chroma of what was learnt


class VividError(UserError):
    """Why no vivid point can be learnt, in one sentence."""


def settle(
    run: str | Path, sources: Sequence[str | Path], cache: str | Path | None = None
) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Learn the vivid point of a run's best network, which keeps it; vivid.json keeps what it was chosen from.

    Parameters
    ----------
    run : path
        The run's folder.
    sources : list of path
        Folders and .tar files of photos; those that the run has learnt from are passed over.
    cache : path, optional
        As of `training.photos.read`.

    Returns
    -------
    points : list of dict
        As of `curve`.
    chosen : dict
        The one that `choose` takes.

    Raises
    ------
    VividError
        If the run's network predicts no distribution, it does not say what photos it has learnt from, or those are all.
    training.runs.FitError
        If another process is at work in the run's folder.
    """
    run = Path(run)
    if not run.is_dir():
        raise VividError(f"{run} is not a run's folder.")
    with runs.alone(run):
        model = colorizers.NetworkColorizer(checkpoints.load(run))
        if model.distribution is None:
            raise VividError(f'{run} holds a network called {model.name}, which predicts one colour, no distribution.')
        keras.utils.set_random_seed(checkpoints.record(run)['config']['seed'])
        pictures = _unknown(run, sources, cache).sample(MOST).stacked()
        judged = -(-len(pictures) // JUDGING)
        inverse_temperature, offsets, colors = learn(model, pictures[judged:])
        points = curve(model, pictures[:judged], inverse_temperature, offsets, colors)
        chosen = choose(points)
        model.distribution.read_by(inverse_temperature, offsets, chosen['gain'] * colors)
        runs.replace_best(model.network, run)
        runs.write_json({'chosen': chosen, 'points': points}, run / 'vivid.json')
    return points, chosen


def _unknown(run, sources, cache):
    """The photos that a run has not learnt from."""
    if not (run / 'learnt.npy').exists():
        raise VividError(f'{run} does not say what photos it has learnt from, as it holds no learnt.npy.')
    found = photos.read(sources, checkpoints.record(run)['config']['canvas'], cache)
    unknown = found.subset(np.flatnonzero(~np.isin(checkpoints.numbers(found), checkpoints.learnt_by(run))))
    if len(unknown) < JUDGING:
        raise VividError(f'{run} has learnt from all but {len(unknown)} of these photos, too few: name more photos.')
    return unknown


class Reading(keras.Model):
    """Learns `inverse_temperature`, `offsets` and `colors`, as `bins.vivid` takes them, from a network's logits."""

    def __init__(self):
        super().__init__(name='reading')
        bright = keras.initializers.Constant(np.log(1.4))  # on both: a little vivid already
        self.log_inverse_temperature = self.add_weight(shape=(), initializer=bright, name='log_inverse_temperature')
        self.log_gain = self.add_weight(shape=(), initializer=bright, name='log_gain')
        self.offsets = self.add_weight(shape=(len(bins.BINS),), initializer='zeros', name='offsets')
        self.shifts = self.add_weight(shape=bins.BINS.shape, initializer='zeros', name='shifts')

    @property
    def point(self):
        """inverse_temperature, offsets, colors."""
        return ops.exp(self.log_inverse_temperature), self.offsets, ops.exp(self.log_gain) * (self.shifts + bins.BINS)

    def call(self, logits):
        """Logits [N, h, w, Q] to ab [N, h, w, 2]."""
        return bins.vivid(ops.cast(logits, 'float32'), *self.point)

    def compute_loss(self, x=None, y: Any = None, y_pred=None, sample_weight=None, training=True):
        """PSNR given up, less the worth of the colorfulness got for it; y is the truth's Lab [N, h, w, 3]."""
        L, ab = y[..., :1], y[..., 1:]
        ours, truth = (lab.lab_to_rgb(L, colors) for colors in (y_pred, ab))
        psnr = losses.soft_psnr(ours, truth, 1e-5)
        # Bins that hardly occur stay where they are
        held = 0.02 * ops.mean(self.offsets**2) + 4e-4 * ops.mean(self.shifts**2)
        return -ops.mean(psnr) - PRICE * ops.mean(colorfulness(255 * ours)) + held


def colorfulness(rgb):
    """The absolute form of `metrics.colorfulness`, of pictures [N, h, w, 3] from 0 to 255, with a gradient."""
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    opponents = ops.abs(ops.stack([r - g, (r + g) / 2 - b], axis=-1))
    spread, mean = ops.var(opponents, axis=(1, 2)), ops.mean(opponents, axis=(1, 2))
    return ops.sqrt(ops.sum(spread, -1) + 1e-3) + 0.3 * ops.sqrt(ops.sum(mean**2, -1) + 1e-3)


def learn(model, pictures):
    """The vivid point that pictures teach: inverse_temperature, offsets [Q], colors [Q, 2] as numpy arrays.

    Parameters
    ----------
    model : training.colorizers.NetworkColorizer
        Of a network that predicts a distribution.
    pictures : uint8 array [N, S, S, 3]
    """
    # Every second place is enough, and a quarter of the memory
    logits = [model.answers(part, RENDER_SIZE)[0][:, ::2, ::2].astype('float16') for part in colorizers.parts(pictures)]
    logits = np.concatenate(logits)
    at = ((np.arange(logits.shape[1]) + 0.25) / logits.shape[1] * pictures.shape[1]).astype(int)
    truth = ops.concatenate(colorization.prepare(pictures[:, at][:, :, at]), axis=-1)
    reading = Reading()
    steps = -(-len(pictures) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.03, STEPS)
    reading.compile(keras.optimizers.Adam(rate), loss=None)
    reading.fit(logits, ops.convert_to_numpy(truth), batch_size=BATCH, epochs=-(-STEPS // steps), verbose=0)
    return [ops.convert_to_numpy(part) for part in reading.point]


def curve(model, pictures, inverse_temperature, offsets, colors):
    """PSNR and colorfulness at each of `GAINS`.

    Parameters
    ----------
    model : training.colorizers.NetworkColorizer
    pictures : uint8 array [N, S, S, 3]
    inverse_temperature, offsets, colors
        As `learn` gives them.

    Returns
    -------
    list of dict
        gain; PSNR over gray in dB; colorfulness in absolute form, and that of the truth.
    """
    figures = []  # of each part: [gains, 2, photos]
    for part in colorizers.parts(pictures):
        logits, _ = model.answers(part, RENDER_SIZE)
        ab = bins.vivid(ops.convert_to_tensor(logits), inverse_temperature, offsets, colors)
        ab = ops.image.resize(ab, part.shape[1:3], interpolation='bilinear')
        L, _ = colorization.prepare(part)
        figures.append([_figures(colorizers.to_uint8(lab.joined(L, gain * ab)), part) for gain in GAINS])
    psnr, colorful = np.concatenate(figures, axis=-1).mean(-1).T
    over_gray = psnr - evaluate.mean_psnr(colorizers.to_gray(pictures), pictures)
    truth = float(np.mean([metrics.colorfulness(p, absolute=True) for p in pictures]))
    return [
        {'gain': float(g), 'over_gray': float(o), 'colorfulness': float(c), 'truth': truth}
        for g, o, c in zip(GAINS, over_gray, colorful, strict=True)
    ]


def _figures(pictures, truth):
    psnr = [metrics.psnr(a, b) for a, b in zip(pictures, truth, strict=True)]
    return psnr, [metrics.colorfulness(p, absolute=True) for p in pictures]


def choose(points):
    """The point with the highest PSNR among those as colourful as the truth, as other photos come out duller.

    Where none is, the most colourful one.
    """
    reached = [p for p in points if p['colorfulness'] >= p['truth']]
    if not reached:
        return max(points, key=lambda p: p['colorfulness'])
    return max(reached, key=lambda p: p['over_gray'])


def table(points):
    """A curve as a Markdown table."""
    lines = ['| gain | PSNR over gray | colorfulness |', '|---|---|---|']
    lines += [f'| {p["gain"]:.2f} | {p["over_gray"]:+.2f} dB | {p["colorfulness"]:.1f} |' for p in points]
    return '\n'.join([*lines, '', f'colorfulness of the truth: {points[0]["truth"]:.1f} (absolute form)'])
