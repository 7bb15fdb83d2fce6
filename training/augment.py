"""What happens to a picture before a network sees it: crops on the host, flips and old cameras in the training step.

Only lightness is ever aged; the colours to be learnt stay true. Sepia needs no place here: L alone is read of a photo.
"""

import keras
import numpy as np
from keras import ops
from PIL import Image

from training import lab


def crop(picture, size, smallest, rng):
    """A random part of a picture, scaled, with its aspect kept.

    Parameters
    ----------
    picture : uint8 array [S, S, 3]
    size : int
        Side of the result in pixels.
    smallest : float
        Least share of the picture's area; every third crop is the whole picture, in which things are recognised best.
    rng : numpy.random.Generator

    Returns
    -------
    uint8 array [size, size, 3]
    """
    whole = len(picture)
    side = whole if rng.random() < 1 / 3 else whole * np.sqrt(rng.uniform(smallest, 1))
    x, y = rng.uniform(0, whole - side, 2)
    box = (x, y, x + side, y + side)
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR, box=box))


def flip(rgb, seed):
    """Mirror half of the pictures [N, H, W, 3]."""
    mirrored = keras.random.uniform((ops.shape(rgb)[0], 1, 1, 1), seed=seed) < 0.5
    return ops.where(mirrored, ops.flip(rgb, axis=2), rgb)


def old_camera(light, share, seed):
    """The lightness that an old photograph of a scene would have.

    Film weighs colours otherwise than the eye does (orthochromatic film hardly sees red), prints fade and lose
    contrast, lenses blur, film has grain, and scans are stored as JPEG. Each of these is drawn anew for every picture.

    Parameters
    ----------
    light : float tensor [N, H, W, 3]
        Linear RGB, 0 to 1; H and W multiples of 8.
    share : float
        Share of the pictures that are aged; the others give their plain CIELAB lightness.
    seed : keras.random.SeedGenerator

    Returns
    -------
    float tensor [N, H, W, 1]
        L, 0 to 100.
    """
    n = ops.shape(light)[0]

    def uniform(low, high, *shape):
        return keras.random.uniform((n, *(shape or (1, 1, 1))), low, high, seed=seed)

    def sometimes(probability, changed, plain):
        return ops.where(uniform(0, 1) < probability, changed, plain)

    clean = lab.lightness(lab.luminance(light))

    # Film: the eye's weights, shifted at random; one film in six is orthochromatic
    response = ops.cast(lab.RGB_TO_XYZ[1], 'float32') * ops.exp(uniform(-0.8, 0.8, 1, 1, 3))
    response = sometimes(1 / 6, response * ops.convert_to_tensor([0.08, 1.0, 1.6], 'float32'), response)
    exposure = ops.sum(light * response / ops.sum(response, -1, keepdims=True), -1, keepdims=True)
    L = sometimes(0.6, lab.lightness(exposure), clean)

    # Development and fading: a curve, then grayer blacks and whites
    curve = ops.exp(uniform(-0.4, 0.4))
    black, white = uniform(0, 22), uniform(78, 100)
    tone = black + (white - black) * (ops.clip(L, 0.01, 100) / 100) ** curve
    L = sometimes(0.6, tone, L)

    L = sometimes(0.4, L + uniform(0, 1) * (_blur(L) - L), L)

    grain = keras.random.normal(ops.shape(L), seed=seed)
    grain = sometimes(0.5, 2 * _blur(grain), grain)
    L = sometimes(0.5, L + uniform(0, 6) * grain, L)

    L = sometimes(0.3, _jpeg(L, uniform(0.5, 3)), L)
    return sometimes(share, ops.clip(L, 0, 100), clean)


def _blur(x):
    """A binomial blur of 5 x 5 pixels of one channel [N, H, W, 1]."""
    row = np.array([1, 4, 6, 4, 1]) / 16
    kernel = ops.convert_to_tensor(np.outer(row, row)[..., None, None], 'float32')
    x = ops.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], mode='reflect')
    return ops.conv(x, kernel, padding='valid')


def _cosines():
    """The 64 patterns of the 8 x 8 cosine transform that JPEG uses: [8, 8, 1, 64], orthonormal."""
    k = np.arange(8)
    basis = np.cos(np.pi * (k[:, None] + 0.5) * k / 8) * np.sqrt(np.where(k == 0, 1, 2) / 8)  # [place, frequency]
    return np.einsum('yu,xv->yxuv', basis, basis).reshape(8, 8, 1, 64)


def _jpeg(L, coarseness):
    """L [N, H, W, 1] as JPEG would keep it; coarseness [N, 1, 1, 1], 1 for about quality 50."""
    # JPEG's luminance table is close to this plane; its levels are 255 to L's 100
    frequency = np.add.outer(np.arange(8), np.arange(8)).reshape(64)
    step = coarseness * ops.convert_to_tensor((10 + 6 * frequency) * 100 / 255, 'float32')
    patterns = ops.convert_to_tensor(_cosines(), 'float32')
    waves = ops.conv(L, patterns, strides=8, padding='valid')
    waves = ops.round(waves / step) * step
    return ops.conv_transpose(waves, patterns, strides=8, padding='valid')
