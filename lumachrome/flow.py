"""Colors that stay where they belong while a film moves: optical flow, cuts, and averages along the flow.

Frame by frame a network changes its mind, the more so as an old film flickers and its grain crawls. So what the network
is shown is an average along the flow, of even brightness (the film itself keeps its flicker and its grain), and its
colors are averaged along the flow as well. What the flow cannot explain, because it was hidden before, starts anew.

References
----------
.. [1] T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016, arXiv:1603.03590
.. [2] W.-S. Lai et al., "Learning Blind Video Temporal Consistency", 2018, arXiv:1808.00449
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lumachrome.errors import VIDEO_EXTRA, UserError
from lumachrome.hints import Hint

try:
    import cv2
except ImportError as error:
    raise UserError(VIDEO_EXTRA.format(error=error)) from error

Array = npt.NDArray[Any]
Network = Callable[[Array, tuple[Hint, ...]], Array]  # uint8 [h, w] and hints to float32 [h', w', 2], a and b

SIDE = 256  # short side in pixels at which cuts are looked for
CUT = 20  # gray levels by which the flow's residual rises at a cut; elsewhere by 9 at most
MEMORY = 25  # frames over whose residuals the median is taken
OLDEST_COLOR, OLDEST_LIGHT = 10, 5  # frames that an average of colors or of luminance counts at most
FOLLOWED = 0.9  # of a change of brightness that is taken for flicker; the rest is followed, and fades come through
BLACK = 16  # gray levels added before a logarithm, so that grain in the dark does not count most
# Gray levels beyond the grain: residuals from which a place begins to count as new, and how many more until it is
UNSURE = (3.0, 10.0)


@dataclass(frozen=True)
class Motion:
    """How a picture came from the one before it.

    Attributes
    ----------
    places : float32 array [h, w, 2]
        Where each pixel was: x and y in pixels.
    lost : float32 array [h, w]
        How surely it was not there at all, 0 to 1.
    """

    places: Array
    lost: Array

    def resized(self, height: int, width: int) -> 'Motion':
        """The same for maps of another size."""
        scale = np.array([width / self.lost.shape[1], height / self.lost.shape[0]], np.float32)
        places = (_resized(self.places, height, width) + 0.5) * scale - 0.5
        return Motion(places.astype(np.float32), _resized(self.lost, height, width))

    def carried(self, values: Array) -> Array:
        """Values [h, w, ...] of the picture before, where they are now."""
        # Cubic, because a bilinear warp blurs a little each time, and colors are carried over many frames
        return _warped(values, self.places, cv2.INTER_CUBIC)

    def follow(self, x: float, y: float) -> tuple[float, float] | None:
        """Where a point of the picture before is now, as fractions of the sides; None if it is gone."""
        height, width = self.lost.shape
        wanted = np.array([x * width, y * height]) - 0.5
        now = wanted
        for _ in range(3):  # the inverse of `places`, by fixed-point iteration
            column, row = (int(v) for v in np.clip(np.round(now), 0, (width - 1, height - 1)))
            now = wanted - (self.places[row, column] - (column, row))
        x, y = ((now + 0.5) / (width, height)).tolist()
        if not (0 <= x <= 1 and 0 <= y <= 1):
            return None
        return None if self.lost[min(int(y * height), height - 1), min(int(x * width), width - 1)] > 0.5 else (x, y)


def cuts(pictures: Iterable[Array]) -> Iterator[bool]:
    """Whether each picture begins a scene, as the first one does: the flow from the one before explains it badly.

    Parameters
    ----------
    pictures : iterable of uint8 array [h, w]
        All of one size, with a short side of about `SIDE`.
    """
    recent: deque[float] = deque(maxlen=MEMORY)
    before = None
    for picture in map(_smooth, pictures):
        if before is None:
            yield True
        else:
            places = _places(before, picture)
            change = picture.astype(np.float32) - _warped(before.astype(np.float32), places)
            residual = float(_blurred(np.abs(change - np.median(change))).mean())
            usual = float(np.median(recent)) if recent else 0.0
            is_cut = residual - usual > CUT
            recent.append(usual if is_cut else residual)
            yield is_cut
        before = picture


@dataclass
class Memory:
    """What is remembered of a scene from one frame to the next.

    Attributes
    ----------
    light : float32 array [h, w]
        Luminance as gray levels, averaged along the flow.
    light_age : float32 array [h, w]
        How many frames are in that average.
    ab : float32 array [h', w', 2]
        Colors, likewise.
    age : float32 array [h', w']
    hints : float64 array [n, 5]
        Hints where they are now, as `Hint.row` has them.
    frames : int
        How many frames of the scene there have been.
    """

    light: Array
    light_age: Array
    ab: Array
    age: Array
    hints: Array = field(default_factory=lambda: np.zeros((0, 5)))
    frames: int = 0


def write(path: Path, memory: Memory) -> None:
    """Write what is remembered to a file."""
    np.savez(path, allow_pickle=False, **{name: np.asarray(value) for name, value in vars(memory).items()})


def read(path: Path) -> Memory:
    """Read what `write` wrote."""
    with np.load(path) as kept:
        arrays = [kept[name] for name in ('light', 'light_age', 'ab', 'age', 'hints')]
        return Memory(*arrays, frames=int(kept['frames']))


class MovingColors:
    """The colors of a scene, frame after frame.

    Parameters
    ----------
    network : callable
        From a picture, uint8 [h, w], and hints to its colors, float32 [h', w', 2].
    hints : mapping of int to tuple of Hint
        Colors that are known, by the number of the frame in the scene where they are; they move along with the film.
    every : int
        Which frames the network looks at: 1 for all of them, 4 for every fourth; between those, colors come along the
        flow from both sides.
    memory : Memory, optional
        What was remembered where an earlier run ended.
    """

    def __init__(
        self,
        network: Network,
        hints: Mapping[int, tuple[Hint, ...]] | None = None,
        every: int = 1,
        memory: Memory | None = None,
    ) -> None:
        self.memory = memory
        self._network, self._hints, self._every = network, hints or {}, every

    def colors(self, pictures: Iterable[Array]) -> Iterator[Array]:
        """The colors of further frames, float32 [h', w', 2] each; at most `every` frames are taken ahead.

        Parameters
        ----------
        pictures : iterable of uint8 array [h, w]
            The frames' luminance at the size at which the network looks.
        """
        left = iter(pictures)
        if self.memory is None:
            for picture in itertools.islice(left, 1):
                yield self._begin(picture)
        while group := list(itertools.islice(left, self._every)):
            yield from self._continue(group)

    def _begin(self, picture: Array) -> Array:
        light = picture.astype(np.float32)
        memory = Memory(light, np.ones_like(light), light[..., None], light)
        _add_hints(memory, self._hints.get(0, ()))
        memory.ab = self._seen(memory)
        memory.age = np.ones(memory.ab.shape[:2], np.float32)
        memory.frames = 1
        self.memory = memory
        return memory.ab

    def _continue(self, pictures: list[Array]) -> Iterator[Array]:
        """A group of frames, at whose last one the network looks."""
        memory = self.memory
        assert memory is not None
        height, width = memory.ab.shape[:2]
        first, lights = memory.ab, [memory.light]
        carried, age, lost = memory.ab, memory.age, np.zeros((height, width), np.float32)
        forward: list[tuple[Array, Array]] = []
        for picture in pictures:
            motion = _advance(memory, picture)
            _move_hints(memory, motion)
            _add_hints(memory, self._hints.get(memory.frames, ()))
            memory.frames += 1
            lights.append(memory.light)
            small = motion.resized(height, width)
            carried, age = small.carried(carried), small.carried(age)
            lost = np.maximum(np.clip(small.carried(lost), 0, 1), small.lost)
            forward.append((carried, lost))
        memory.ab, memory.age = _averaged(carried, age, lost, self._seen(memory), OLDEST_COLOR / self._every)
        yield from _between(first, forward[:-1], memory.ab, lights)
        yield memory.ab

    def _seen(self, memory: Memory) -> Array:
        return self._network(
            _levels(memory.light), tuple(Hint(x, y, (r, g, b)) for x, y, r, g, b in memory.hints.tolist())
        )


def _between(first: Array, forward: list[tuple[Array, Array]], last: Array, lights: list[Array]) -> list[Array]:
    """The colors of the frames between two at which the network has looked, from both of them."""
    height, width = first.shape[:2]
    carried, lost = last, np.zeros((height, width), np.float32)
    found: list[Array] = []
    for index in range(len(forward), 0, -1):
        small = _motion(lights[index + 1], lights[index]).resized(height, width)
        carried, lost = small.carried(carried), np.maximum(np.clip(small.carried(lost), 0, 1), small.lost)
        share = index / (len(forward) + 1)
        before = (1 - share) * (1.02 - forward[index - 1][1])  # never nothing at all on both sides
        after = share * (1.02 - lost)
        found.append(forward[index - 1][0] + (after / (before + after))[..., None] * (carried - forward[index - 1][0]))
    return found[::-1]


def _advance(memory: Memory, picture: Array) -> Motion:
    """Take the luminance of a further frame into the average; how it moved."""
    light = picture.astype(np.float32)
    places = _places(_smooth(_levels(memory.light)), _smooth(picture))
    before = _warped(memory.light, places)
    light = _of_even_brightness(light, before)
    lost = _lost(before, light, places)
    age = _warped(memory.light_age, places)
    memory.light, memory.light_age = _averaged(before, age, lost, light, OLDEST_LIGHT)
    return Motion(places, lost)


def _motion(before: Array, after: Array) -> Motion:
    """How one average of luminance came from another."""
    places = _places(_smooth(_levels(before)), _smooth(_levels(after)))
    return Motion(places, _lost(_warped(before, places), after, places))


def _averaged(mean: Array, age: Array, lost: Array, new: Array, oldest: float) -> tuple[Array, Array]:
    """Running average of at most `oldest` values a place, and how many it holds; it restarts where a place is lost."""
    age = np.clip(age, 1, oldest) * (1 - lost)
    share = 1 / (age + 1)
    return mean + (share if mean.ndim == 2 else share[..., None]) * (new - mean), age + 1


def _of_even_brightness(light: Array, before: Array) -> Array:
    """A picture without the flicker that tells it from the one before: a smooth factor, as lamps and shutters make."""
    change = np.log((light + BLACK) / (before + BLACK))
    usual = np.median(change)
    trusted = 1 / (1 + ((change - usual) / 0.1) ** 2)  # what moves is no flicker
    height, width = light.shape
    few = (max(1, height // 16), max(1, width // 16))  # what is smooth needs no more
    weight = _resized(trusted, *few)
    factor = _blurred(_resized(change * trusted, *few), min(few) / 6) / (_blurred(weight, min(few) / 6) + 1e-3)
    factor = cv2.resize(factor, (width, height), interpolation=cv2.INTER_LINEAR)
    return (light + BLACK) * np.exp(-FOLLOWED * factor) - BLACK


def _lost(before: Array, light: Array, places: Array) -> Array:
    """How surely each pixel of a picture was not in the one before, 0 to 1, given that one carried along the flow."""
    height, width = light.shape
    residual = _blurred(np.abs(_blurred(light, 0.8) - _blurred(before, 0.8)))
    grain = float(np.median(residual))
    lost = np.clip((residual - 2 * grain - UNSURE[0]) / UNSURE[1], 0, 1)
    x, y = places[..., 0], places[..., 1]
    lost[(x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)] = 1
    return lost


def _add_hints(memory: Memory, hints: Iterable[Hint]) -> None:
    memory.hints = np.concatenate([memory.hints, np.array([hint.row for hint in hints]).reshape(-1, 5)])


def _move_hints(memory: Memory, motion: Motion) -> None:
    moved = [(motion.follow(row[0], row[1]), row) for row in memory.hints]
    memory.hints = np.array([[*place, *row[2:]] for place, row in moved if place is not None]).reshape(-1, 5)


def _places(before: Array, after: Array) -> Array:
    """Where each pixel of a picture was in the one before, by DIS [1]_; uint8 [h, w] to float32 [h, w, 2]."""
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = search.calc(after, before, None)
    height, width = after.shape
    return flow + np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)


def _warped(values: Array, places: Array, how: int = cv2.INTER_LINEAR) -> Array:
    remap: Any = cv2.remap  # whose types know no map of pairs
    return remap(values, places, None, how, borderMode=cv2.BORDER_REPLICATE)


def _smooth(picture: Array) -> Array:
    return cv2.GaussianBlur(picture, (0, 0), 1.2)


def _blurred(values: Array, sigma: float = 1.5) -> Array:
    return cv2.GaussianBlur(values, (0, 0), sigma)


def _levels(light: Array) -> Array:
    return np.clip(np.round(light), 0, 255).astype(np.uint8)


def _resized(values: Array, height: int, width: int) -> Array:
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
