"""Choosing the vivid point: how likely colours are read so that a picture is as colourful as life, at the least cost.

PSNR and colorfulness pull against each other, so decoders are compared by their curve, not at one setting: each gives a
point (colorfulness, PSNR), and the one kept has the highest PSNR among those that come near the true colorfulness. The
photos are ones that were split off from training, never those that results are reported on.
"""

import itertools

import numpy as np
from keras import ops

from training import bins, colorization, evaluate, lab, metrics

TEMPERATURES = (1.0, 0.75, 0.5)
CORRECTIONS = (0.0, 0.15, 0.3, 0.45)
GAINS = (1.0, 1.2, 1.4, 1.6, 1.8)
NEAR = 6.0  # how far below the truth's the mean colorfulness (absolute form) may stay


def curve(model, truth):
    """PSNR and colorfulness of each decoder.

    Parameters
    ----------
    model : training.evaluate.NetworkColorizer
        Of a network that predicts a distribution.
    truth : uint8 array [N, S, S, 3]

    Returns
    -------
    list of dict
        temperature, correction, gain; PSNR over gray in dB; colorfulness in absolute form, and that of the truth.
    """
    L, _ = colorization.prepare(truth)
    logits, _ = model.answers(truth)
    prior = model.distribution.prior
    gray = evaluate.mean_psnr(evaluate.to_gray(truth), truth)
    true_colorfulness = np.mean([metrics.colorfulness(p, absolute=True) for p in truth])
    points = []
    for temperature, correction in itertools.product(TEMPERATURES, CORRECTIONS):
        parts = [bins.vivid(part, prior, temperature, correction, 1.0) for part in np.array_split(logits, 8)]
        ab = ops.image.resize(ops.concatenate(parts), truth.shape[1:3], interpolation='bilinear')
        for gain in GAINS:
            ours = evaluate.to_uint8(lab.joined(L, gain * ab))
            points.append(
                {
                    'temperature': temperature,
                    'correction': correction,
                    'gain': gain,
                    'over_gray': evaluate.mean_psnr(ours, truth) - gray,
                    'colorfulness': float(np.mean([metrics.colorfulness(p, absolute=True) for p in ours])),
                    'truth': float(true_colorfulness),
                }
            )
    return points


def choose(points):
    """The point of a curve with the highest PSNR among those near the truth's colorfulness, or else the nearest one."""
    near = [p for p in points if p['colorfulness'] >= p['truth'] - NEAR]
    if not near:
        return max(points, key=lambda p: p['colorfulness'])
    return max(near, key=lambda p: p['over_gray'])


def table(points):
    """The best of every decoder's points as colorfulness grows, as a Markdown table."""
    lines = ['| temperature | correction | gain | PSNR over gray | colorfulness |', '|---|---|---|---|---|']
    best = -np.inf
    for p in sorted(points, key=lambda p: -p['colorfulness']):
        if p['over_gray'] > best:
            best = p['over_gray']
            lines.append(
                f'| {p["temperature"]} | {p["correction"]} | {p["gain"]} | {best:+.2f} dB | {p["colorfulness"]:.1f} |'
            )
    return '\n'.join([*lines, '', f'colorfulness of the truth: {points[0]["truth"]:.1f} (absolute form)'])
