"""Short films whose motion is known: a crop that moves over example photos, clean or as an old film shows it."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

EXAMPLES = Path(__file__).parent.parent / 'demo' / 'examples'
HEIGHT, WIDTH = 360, 640
THING = 150  # side in pixels of what moves by itself


class Clip(NamedTuple):
    """A film of T frames.

    Attributes
    ----------
    truth : uint8 array [T, H, W, 3]
        sRGB.
    gray : uint8 array [T, H, W]
        What is to be colored.
    moves : float array [T, 2, 3]
        From pixels of the photo to those of the frame.
    things : bool array [T, H, W]
        What does not move with the background.
    """

    truth: np.ndarray
    gray: np.ndarray
    moves: np.ndarray
    things: np.ndarray

    def places(self, index, height, width):
        """Where each pixel of a frame was in the one before, at a size: float32 [height, width, 2]; NaN if outside."""
        before, now = (np.vstack([move, (0, 0, 1)]) for move in self.moves[index - 1 : index + 1])
        scale = np.array([WIDTH / width, HEIGHT / height])
        places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
        homogeneous = np.concatenate([(places + 0.5) * scale - 0.5, np.ones((height, width, 1))], -1)
        was = ((homogeneous @ (before @ np.linalg.inv(now)).T)[..., :2] + 0.5) / scale - 0.5
        outside = (was < 0) | (was > (width - 1, height - 1))
        return np.where(outside.any(-1, keepdims=True), np.nan, was)

    def background(self, index, height, width):
        """What moves with the photo in a frame and in the one before: bool [height, width]."""
        things = (self.things[index - 1] | self.things[index]).astype(np.uint8)
        near = cv2.dilate(cv2.resize(things, (width, height), interpolation=cv2.INTER_AREA), np.ones((9, 9)))
        return near == 0


def clip(photo='china.jpg', frames=48, thing='flower.jpg', old=False, weave=0.0, seed=0):
    """A crop that moves over a photo and grows.

    Parameters
    ----------
    photo : str
        An example.
    frames : int
    thing : str
        Another, which crosses the film; '' for none.
    old : bool
        Whether lamp and shutter flicker, grain crawls, and dust falls on it.
    weave : float
        Pixels by which the film jumps to and fro.
    """
    rng = np.random.default_rng(seed)
    picture, truth, moves, things = _photo(photo), [], [], []
    height, width = picture.shape[:2]
    small = cv2.resize(_photo(thing), (THING, THING), interpolation=cv2.INTER_AREA) if thing else None
    for t in np.linspace(0, 1, frames):
        scale = (1.15 + 0.25 * t) * max(WIDTH / width, HEIGHT / height)
        x, y = width * (0.45 + 0.1 * t), height / 2
        jump = rng.normal(0, weave, 2) if weave else np.zeros(2)
        move = np.array([[scale, 0, WIDTH / 2 - scale * x + jump[0]], [0, scale, HEIGHT / 2 - scale * y + jump[1]]])
        frame = cv2.warpAffine(picture, move, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        thing_there = np.zeros((HEIGHT, WIDTH), bool)
        if small is not None:
            left = int(-100 + t * 700)
            first, last = max(left, 0), min(left + THING, WIDTH)
            frame[170 : 170 + THING, first:last] = small[:, first - left : last - left]
            thing_there[170 : 170 + THING, first:last] = True
        truth.append(frame)
        moves.append(move)
        things.append(thing_there)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in truth]
    gray = [_aged(frame, rng) for frame in gray] if old else gray
    return Clip(np.array(truth), np.array(gray), np.array(moves), np.array(things))


def _photo(name):
    return cv2.cvtColor(cv2.imread(str(EXAMPLES / name)), cv2.COLOR_BGR2RGB)


def _aged(gray, rng):
    """A frame of an old film: its light flickers, more at one side, its grain is coarse, and dust lies on it."""
    side = np.linspace(-1, 1, gray.shape[1]) * rng.normal(0, 0.04)
    aged = gray * (1 + rng.normal(0, 0.06) + side) + cv2.GaussianBlur(rng.normal(0, 28, gray.shape), (0, 0), 1.1)
    for _ in range(rng.poisson(6)):
        x, y = rng.integers(0, gray.shape[1]), rng.integers(0, gray.shape[0])
        cv2.circle(aged, (int(x), int(y)), int(rng.integers(1, 5)), float(rng.choice([15, 240])), -1)
    if rng.random() < 0.3:  # a scratch
        x = int(rng.integers(0, gray.shape[1]))
        aged[:, x : x + 1] = 230
    return np.clip(aged, 0, 255).astype(np.uint8)
