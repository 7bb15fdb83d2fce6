"""The same thing in the same color, over many photos: what a network sees alike takes the colors that it had before.

A network that predicts a distribution says of each place what color it may have. Two places of which it says the same,
and of whose surroundings, and that are as light, show the same thing as far as it can see; no file names and no pixels
are compared. So places of the photos before are remembered with their colors, and those of a further photo take the
colors of what they are like.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from lumachrome.adjustments import Adjustments, Colors
from lumachrome.colorizer import AS_THEY_COME
from lumachrome.pictures import eight_bits
from lumachrome.rows import Rows

Array = npt.NDArray[Any]

# Likeness from which a place begins to take colors from others, and at which it takes them all: of a photo that shows
# the same as others nearly everywhere, and of any other. On crops of one photo 91 to 100 % of the places are alike, on
# other photos at most 63 %.
ALIKE = (0.93, 0.98)
ALIKE_IN_PART = (0.96, 0.99)
NEARLY = 0.7  # share of a photo's places
LEVELS = 30.0  # gray levels of difference at which likeness has fallen to 1 / e
SHARPNESS = 60.0  # colors are taken from several places, by exp(SHARPNESS * likeness)
STRIDE = 2  # places of the network's map that are one here, along either side
AROUND = 8  # of these places, what counts as surroundings
MOST = 6000  # places that are remembered: those of some fifteen photos that have nothing in common


class Looks(Protocol):
    """What is asked of a `Colorizer`."""

    name: str
    path: Path
    provider: str
    render_size: int

    def check(self, adjustments: Adjustments) -> None: ...

    def colors(self, photo: Array, adjustments: Adjustments, vivid: bool) -> Colors: ...

    def join(self, photo: Array, ab: Array) -> Array: ...

    def small(self, rows: Rows, adjustments: Adjustments) -> Array: ...

    def join_rows(self, rows: Rows, ab: Array) -> None: ...


class Consistent:
    """A `Colorizer` that keeps to its colors from one photo to the next; it is used like one, by one thread.

    What comes first decides. Of a network that predicts no distribution, colors are as ever.

    Parameters
    ----------
    colorizer : Colorizer
    """

    def __init__(self, colorizer: Looks) -> None:
        self._colorizer = colorizer
        self.name, self.path, self.provider = colorizer.name, colorizer.path, colorizer.provider
        self.render_size = colorizer.render_size
        self.check, self.join = colorizer.check, colorizer.join
        self._likely = np.zeros((0, 0), np.float32)  # [M, 2 Q], as `_seen` has them
        self._levels = np.zeros(0, np.float32)
        self._ab = np.zeros((0, 2), np.float32)

    def write(self, path: Path) -> None:
        """Write what is remembered to a file, for `read`."""
        np.savez(path, likely=self._likely.astype(np.float16), levels=self._levels, ab=self._ab)

    def read(self, path: Path) -> None:
        """Remember what `write` wrote, and nothing else."""
        with np.load(path) as kept:
            self._likely, self._levels, self._ab = kept['likely'].astype(np.float32), kept['levels'], kept['ab']

    def colorize(self, photo: Array, adjustments: Adjustments = AS_THEY_COME) -> Array:
        """Color a photo, as `Colorizer.colorize` does an array."""
        return self.join(photo, adjustments.applied(self.colors(photo, adjustments, adjustments.vividness > 0)))

    def small(self, rows: Rows, adjustments: Adjustments = AS_THEY_COME) -> Array:
        """As `Colorizer.small`."""
        return self._colorizer.small(rows, adjustments)

    def join_rows(self, rows: Rows, ab: Array) -> None:
        """As `Colorizer.join_rows`."""
        self._colorizer.join_rows(rows, ab)

    def colorize_rows(self, rows: Rows, adjustments: Adjustments = AS_THEY_COME) -> Array:
        """Color a photo in the file where its pixels lie, as `Colorizer.colorize_rows`."""
        self.check(adjustments)
        shown = self.small(rows, adjustments)
        as_it_is = replace(adjustments, render_size=min(shown.shape[:2]))
        colors = self.colors(shown, as_it_is, adjustments.vividness > 0)
        self.join_rows(rows, adjustments.applied(colors))
        return shown

    def colors(self, photo: Array, adjustments: Adjustments = AS_THEY_COME, vivid: bool = True) -> Colors:
        """What the network says of a photo's colors, given those of the photos before; else as `Colorizer.colors`."""
        colors = self._colorizer.colors(photo, adjustments, vivid)
        if colors.probabilities is None:
            return colors
        probabilities = colors.probabilities
        if adjustments.hints:  # which change what is likely: as it looks without them, a thing is known again
            unsteered = self._colorizer.colors(photo, replace(adjustments, hints=()), vivid)
            probabilities = unsteered.probabilities
            assert probabilities is not None
        likely, (height, width) = _seen(probabilities)
        levels = _levels(photo, height, width)
        own = _coarse(colors.ab).reshape(-1, 2)
        likeness = self._likeness(likely, levels)
        if adjustments.hints:  # a person's word outranks what was before, and what comes after keeps to it
            kept = likeness.max(0, initial=0) < ALIKE[0]
            self._likely, self._levels, self._ab = self._likely[kept], self._levels[kept], self._ab[kept]
            likeness = likeness[:, kept] * 0
        taken, sure = self._recalled(likeness, own)
        shift = (sure[:, None] * (taken - own)).reshape(height, width, 2)
        self._remember(likely, levels, own + shift.reshape(-1, 2), sure, width)
        return Colors(
            (colors.ab + _enlarged(shift, *colors.ab.shape[:2])).astype(np.float32), colors.probabilities, colors.bins
        )

    def _likeness(self, likely: Array, levels: Array) -> Array:
        """How like places are to those that are remembered: [P, M], 0 to 1."""
        if not len(self._ab):
            return np.zeros((len(likely), 0), np.float32)
        return likely @ self._likely.T * np.exp(-(((levels[:, None] - self._levels) / LEVELS) ** 2))

    def _recalled(self, likeness: Array, own: Array) -> tuple[Array, Array]:
        """The colors [P, 2] of the places that each is like, and how surely, 0 to 1 [P]."""
        if not likeness.size:
            return own, np.zeros(len(own), np.float32)
        most = likeness.max(1)
        weights = np.exp(SHARPNESS * (likeness - most[:, None]))
        sure = _between(most, ALIKE)
        if sure.mean() < NEARLY:
            sure = _between(most, ALIKE_IN_PART)
        return weights @ self._ab / weights.sum(1, keepdims=True), sure

    def _remember(self, likely: Array, levels: Array, ab: Array, sure: Array, width: int) -> None:
        """Remember every second place that is unlike all others; the oldest ones are forgotten."""
        place = np.arange(len(ab))
        new = (sure < 0.5) & ((place // width + place % width) % 2 == 0)
        before = self._likely if len(self._ab) else likely[:0]
        self._likely = np.concatenate([before, likely[new]])[-MOST:]
        self._levels = np.concatenate([self._levels, levels[new]])[-MOST:]
        self._ab = np.concatenate([self._ab, ab[new]])[-MOST:]


def _seen(probabilities: Array) -> tuple[Array, tuple[int, int]]:
    """What is likely at each place and around it, and how many places there are.

    The products of two rows are Bhattacharyya's coefficients, of the places and of their surroundings by halves.
    """
    likely = _coarse(probabilities)
    height, width, count = likely.shape
    few = (max(1, width // AROUND), max(1, height // AROUND))
    surroundings = [
        Image.fromarray(channel).resize(few, Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
        for channel in np.ascontiguousarray(np.moveaxis(likely, -1, 0))
    ]
    both = np.stack([likely, np.stack([np.asarray(channel) for channel in surroundings], -1)], -2)
    return np.sqrt(both / 2).reshape(height * width, 2 * count), (height, width)


def _between(values: Array, ends: tuple[float, float]) -> Array:
    """0 up to the first end, 1 from the second."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1)


def _coarse(values: Array) -> Array:
    """A map [h, w, C] at a fraction of its size, by averages; a row or column that is left over counts for nothing."""
    height, width = (side // STRIDE for side in values.shape[:2])
    blocks = values[: height * STRIDE, : width * STRIDE].reshape(height, STRIDE, width, STRIDE, -1)
    return blocks.mean((1, 3), dtype=np.float32)


def _levels(photo: Array, height: int, width: int) -> Array:
    """Gray levels of a photo at a size: float32 [height * width]."""
    pixels = eight_bits(photo) if photo.dtype == np.uint16 else photo
    gray = pixels if pixels.ndim == 2 else pixels[..., :3].mean(-1)
    small = Image.fromarray(gray.astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel()


def _enlarged(values: Array, height: int, width: int) -> Array:
    """A map [h, w, 2] at a size."""
    size = (width, height)
    channels = [
        Image.fromarray(channel).resize(size, Image.Resampling.BILINEAR) for channel in np.moveaxis(values, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], -1)
