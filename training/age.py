"""A run that learns what age looks like: old prints and clean photos in, `training.aging`'s ager out.

    runs/NAME/ager.keras   what ages photos, as `fit --aged-by runs/NAME` takes it
              sheets/      clean and aged, old and cleaned, the same photos after each epoch

Prints and photos are read at the size at which networks look: grain has a scale, and that of a scan at its full size is
not what a network sees of it. Only lightness is read, so it is all the same whether they are gray or in colour.
"""

import io
import math
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from PIL import Image, ImageOps
from skimage import color
from tqdm import tqdm

from lumachrome.errors import atomic
from training import aging, checkpoints, cyclegan, photos, runs, sheets
from training.aging import AgingError
from training.evaluate import SIDE

Lightness = npt.NDArray[np.uint8]  # of a photo [h, w]: L, 0 to 255

SIZE = 128  # side of the crops, in pixels
BATCH = 4
LEARNING_RATE = 3e-3
LEVEL = 0.3  # share of the run after which it falls
FEWEST = 16  # photos of each kind: fewer are known by what they show
MOST = 4000  # and no more of each are read
EPOCH = 800  # crops of each kind
SHOWN = 6
WARM = 160  # crops after which the speed is known


def read(sources: Sequence[str | Path], size: int = SIZE) -> list[Lightness]:
    """The lightness of the photos in folders and .tar files: a list of uint8 [h, w], the short side at most `SIDE`.

    Of very many, some are read, from all places alike.

    Raises
    ------
    training.photos.PhotosError
        If a source is missing or holds no photos.
    AgingError
        If fewer than `FEWEST` can be decoded and have both sides of at least `size` pixels.
    """
    members = photos.find(sources)
    members = members[:: -(-len(members) // MOST)]
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda member: _lightness(member, size), members)
        found = list(tqdm(decoded, 'decoding photos', len(members), unit='photo'))
    read, left_out = [L for L in found if not isinstance(L, str)], Counter(L for L in found if isinstance(L, str))
    name = ', '.join(map(str, sources))
    reasons = ''.join(f', {count} left out, {reason}' for reason, count in left_out.items())
    if len(read) < FEWEST:
        raise AgingError(
            f'{name} holds too few photos ({len(read)}{reasons}) to tell what age looks like from what they show: '
            f'name at least {FEWEST}, better a hundred.'
        )
    print(f'{name}: {len(read)} photos, of which lightness alone is read{reasons}')
    return read


def _lightness(member, size):
    """L of a photo, or why it is left out."""
    try:
        with Image.open(io.BytesIO(member.read())) as image:
            image.draft('RGB', (2 * SIDE, 2 * SIDE))
            if image.mode.startswith('I;16'):  # a gray scan of 16 bits, of which Pillow would make white
                image = Image.fromarray((np.asarray(image) >> 8).astype('uint8'))
            image = ImageOps.exif_transpose(image).convert('RGB')
            shrunk = min(1.0, SIDE / min(image.size))
            width, height = (round(shrunk * side) for side in image.size)
            image = image.resize((width, height), Image.Resampling.BILINEAR)
    except MemoryError:
        raise
    except Exception:  # Pillow's plug-ins raise what they like
        return 'cannot be decoded'
    if min(image.size) < size:
        return f'smaller than {size} pixels'
    return np.round(color.rgb2lab(np.asarray(image))[..., 0] * 2.55).astype('uint8')


def learn(
    old: list[Lightness],
    clean: list[Lightness],
    out: str | Path,
    budget: int,
    minutes: float = 0.0,
    size: int = SIZE,
    filters: int = aging.FILTERS,
    epoch: int = EPOCH,
) -> None:
    """Learn to age photos, and keep the ager and a sheet after each epoch.

    Parameters
    ----------
    old, clean : list of uint8 array [h, w]
        As of `read`.
    out : path
        The run's folder.
    budget : int
        Crops of each kind to see in all.
    minutes : float
        End by then, also where the budget is not reached; 0: no limit.
    size : int
        Side of the crops in pixels; even.
    filters : int
        As of `training.cyclegan.Aging`.
    epoch : int
        Crops of each kind between two sheets.

    Raises
    ------
    AgingError
        If `budget` or `minutes` are out of range, `out` holds an ager, or the loss becomes NaN.
    training.runs.FitError
        If another process is at work in `out`.
    """
    out = Path(out)
    if not budget > 0:
        raise AgingError(f'--budget = {budget}: it must be above 0.')
    if not minutes >= 0:
        raise AgingError(f'--minutes = {minutes:g}: it must not be below 0, which is no limit.')
    with runs.alone(out):
        if (out / aging.NAME).exists():
            raise AgingError(f'{out} holds an ager, and how it was learnt is not kept to go on: take another --out.')
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        model = cyclegan.Aging(BATCH, size, filters)
        model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE, beta_1=0.5), loss=None)
        shown = [_pictures(kind) for kind in (clean, old)]
        clock, seen, losses = _Clock(budget, minutes), 0, []
        while (progress := clock.progress(seen)) < 1:
            model.optimizer.learning_rate = LEARNING_RATE * _curve(progress)
            crops = [np.stack([_crop(kind, size, rng) for kind in (clean, old)], -1) for _ in range(BATCH)]
            losses.append(float(np.ravel(model.train_on_batch(np.stack(crops), np.zeros(BATCH)))[0]))
            if not math.isfinite(losses[-1]):
                raise AgingError(f'The loss is no number any more: what {out} holds is as it was an epoch before.')
            seen += BATCH
            if seen == WARM and 'cpu' in str(model.ager.weights[0].value.device).lower():
                print(f'No accelerator: about {clock.left(seen):.0f} minutes to go; --minutes sets a limit.')
            if seen % epoch == 0 or clock.progress(seen) >= 1:
                sheet = _keep(model, shown, out, seen)
                print(f'{seen} crops, loss {np.mean(losses):.3f}, {clock.left(seen):.0f} minutes to go: {sheet}')
                losses = []


class _Clock:
    """How far a run is, by what it has seen or by minutes, whichever is further."""

    def __init__(self, budget, minutes):
        self.budget, self.minutes, self.began, self.first = budget, minutes or math.inf, time.monotonic(), None

    def progress(self, seen):
        """0 to 1."""
        if seen and self.first is None:
            self.first = seen, time.monotonic()  # what was before was mostly compiling
        return min(1.0, max(seen / self.budget, (time.monotonic() - self.began) / 60 / self.minutes))

    def left(self, seen):
        """Minutes to go, by the speed until now; where there is none yet, none."""
        then, since = self.first or (seen, self.began)
        each = (time.monotonic() - since) / 60 / max(seen - then, 1)
        spent = (time.monotonic() - self.began) / 60
        return max(0.0, min(each * (self.budget - seen), self.minutes - spent))


def _curve(progress):
    """The learning rate's share: level, then along a cosine down to a hundredth."""
    return runs.cooled(max(0.0, progress - LEVEL) / (1 - LEVEL))


def _crop(kind, size, rng):
    """A random part of one of the photos, at its own scale; every second is mirrored."""
    L = kind[rng.integers(len(kind))]
    y, x = (rng.integers(0, side - size + 1) for side in L.shape)
    part = L[y : y + size, x : x + size]
    return part[:, ::-1] if rng.random() < 0.5 else part


def _pictures(kind):
    """The middles of some photos, from all places alike, as squares of one even side: float32 [n, S, S, 1], L."""
    chosen = [kind[i] for i in np.linspace(0, len(kind) - 1, SHOWN).astype(int)]
    side = min(min(L.shape) for L in chosen) // 2 * 2
    corners = [[(length - side) // 2 for length in L.shape] for L in chosen]
    squares = [L[y : y + side, x : x + side] for L, (y, x) in zip(chosen, corners, strict=True)]
    return np.stack(squares)[..., None].astype('float32') / 2.55


def _keep(model, shown, out, seen):
    """Write the ager, and what it and the cleaner make of some photos; the sheet's path."""
    clean, old = map(ops.convert_to_tensor, shown)
    aged = aging.aged(clean, model.ager, 1.0, keras.random.SeedGenerator(0))
    rows = {'clean': clean, 'aged': aged, 'old': old, 'cleaned': ops.clip(model.cleaner(old), 0, 100)}
    with atomic(out / 'sheets' / f'{seen:06}.png') as unfinished:
        sheets.lightness({name: ops.convert_to_numpy(pictures) for name, pictures in rows.items()}).save(unfinished)
    checkpoints.save(model.ager, out / aging.NAME)
    return out / 'sheets' / f'{seen:06}.png'
