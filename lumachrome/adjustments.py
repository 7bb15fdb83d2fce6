"""What a person may want of the colours: hints, warmth, another colouring, the palette of another photo.

A network's guess is a small map of CIELAB a and b, with the probabilities behind it where it predicts a distribution.
All that is here is arithmetic on that map; `Colorizer.join` makes a picture of it, whatever the photo's size.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lumachrome import contract, photofile
from lumachrome.errors import AdjustmentError

LEANS = {'red': (1, 0), 'yellow': (0, 1), 'green': (-1, 0), 'blue': (0, -1)}  # where in ab each of them lies
LEAN_UNIT = 30  # CIELAB units: a bin so much nearer to where colours lean counts e times as much
LEAN_SHIFT = 22  # CIELAB units by which the colours that change most then move
LEAN_GAIN = 4  # how far what hardly changes is amplified to get there
WARMEST = np.array([4.0, 12.0], np.float32)  # what warmth 1 adds to a and b: the shift from daylight to lamplight
PALETTE_GAIN = (0.5, 2.0)  # how far the spread of colours follows a reference
NEAR = 1 / 40  # of the short side: what counts as the surroundings of a point
DISTINCT = 18  # CIELAB units between two suggested colours
UNLIKELY = 1 / 200  # of the likeliest bin's probability: less is not suggested
FAINT = 12  # chroma under which a suggestion is no colour: gray is offered apart
COLOURED = 6  # spread of a and b from which a photo has colours of its own; a sepia scan has one hue, so hardly any
# Skin, sky, leaves, wood, brick: offered where the network has no likely colours of its own.
COMMON = [(18, 20), (-4, -28), (-24, 30), (12, 28), (40, 28)]
DULL = 4  # mean chroma under which the network has found nothing to colour
MOST_HINTS = 200
HINTS_BYTES = 100_000  # of a file of hints, which is read whole

_COLOR = re.compile('#[0-9a-fA-F]{6}')


class HintsError(AdjustmentError, ValueError):
    """Hints that cannot be read; the message is one sentence for people."""


@dataclass(frozen=True)
class Palette:
    """The colours of a photo in short: mean and spread of a and b, float arrays [2]."""

    mean: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Wishes:
    """What is wanted of the colours of one guess.

    Attributes
    ----------
    vividness : float
        From 0, the mean of the likely colours, to 1; counts where the network predicts a distribution.
    warmth : float
        From -1, cold, to 1, warm.
    lean : str
        '', or one of `LEANS`: what else the photo might have looked like.
    palette : Palette, optional
        Colours to come near to.
    strength : float
        From 0, not at all, to 1: how near.
    """

    vividness: float = 1.0
    warmth: float = 0.0
    lean: str = ''
    palette: Palette | None = None
    strength: float = 0.0


def colors(guess, wishes):
    """The colours that come of a guess and wishes.

    Without wishes they are the file's own at that vividness.

    Parameters
    ----------
    guess : Guess
    wishes : Wishes

    Returns
    -------
    float32 array [h, w, 2]
        CIELAB a and b, before saturation.
    """
    ab = guess.ab
    if guess.probabilities is not None:
        faithful = guess.probabilities @ guess.bins
        ab = faithful + np.clip(wishes.vividness, *contract.limits(contract.VIVIDNESS)) * (ab - faithful)
        if wishes.lean:
            ab = ab + leaning(guess, LEANS[wishes.lean])
    if wishes.palette is not None:
        ab = ab + wishes.strength * (_matched(ab, wishes.palette) - ab)
    return (ab + wishes.warmth * WARMEST).astype(np.float32)


def leaning(guess, direction):
    """How the mean colours move if a direction of ab were likelier.

    Every bin's probability is weighted by an exponential of how far it lies in that direction. So what the network is
    sure of stays, and what it is not sure of moves together: the wall that may be red as well as yellow, not the sky.

    Parameters
    ----------
    guess : Guess
        Of a network that predicts a distribution.
    direction : pair of float
        In ab, of length 1.

    Returns
    -------
    float array [h, w, 2]
    """
    weights = guess.probabilities * np.exp(guess.bins @ np.array(direction, np.float32) / LEAN_UNIT)
    shift = (weights @ guess.bins) / weights.sum(-1, keepdims=True) - guess.probabilities @ guess.bins
    largest = np.quantile(np.linalg.norm(shift, axis=-1), 0.9)
    return shift * min(LEAN_SHIFT / max(largest, 1e-6), LEAN_GAIN)


def suggestions(guess, x, y, count=5):
    """Likely colours for a point, the most telling first, each well apart from those before it.

    Parameters
    ----------
    guess : Guess
        Of a network that predicts a distribution.
    x, y : float
        The point, as fractions of width and height.
    count : int
        How many at most.

    Returns
    -------
    float32 array [n, 2]
        CIELAB a and b.
    """
    likely = _around(guess.probabilities, x, y)
    # What is likely all over the photo, grays and browns above all, says less about this point.
    telling = likely / np.sqrt(guess.probabilities.mean((0, 1)) + 1e-9)
    possible = (likely >= UNLIKELY * likely.max()) & (np.linalg.norm(guess.bins, axis=-1) >= FAINT)
    chosen = []
    for i in np.argsort(-telling):
        apart = np.linalg.norm(guess.bins[chosen] - guess.bins[i], axis=-1) >= DISTINCT
        if possible[i] and apart.all() and len(chosen) < count:
            chosen.append(i)
    return guess.bins[chosen]


def seen_at(colorizer, picture, x, y, ab):
    """How colours look at a point of a photo: at the luminance that the point has.

    Parameters
    ----------
    colorizer : Colorizer
    picture : uint8 array [H, W, 3]
    x, y : float
        The point, as fractions of width and height.
    ab : float array [n, 2]

    Returns
    -------
    list of str
        '#rrggbb', one a colour.
    """
    level = np.round(_around(picture, x, y)).astype(np.uint8)
    pixels = np.broadcast_to(level, (1, len(ab), 3))
    return [to_hex(pixel) for pixel in colorizer.join(pixels, np.asarray(ab)[None])[0]] if len(ab) else []


def palette(picture):
    """The palette of a colour photo, a uint8 array [H, W, 3]."""
    ab = photofile.ab(picture).reshape(-1, 2)
    return Palette(ab.mean(0), ab.std(0))


def has_colors(picture):
    """Whether a photo, a uint8 array [H, W, 3], has colours of its own; an old print's one tone does not count."""
    return bool(np.linalg.norm(palette(picture).spread) > COLOURED)


def is_dull(ab):
    """Whether colours [h, w, 2] are next to none."""
    return bool(np.linalg.norm(ab, axis=-1).mean() < DULL)


def rows(hints):
    """Hints as `Colorizer` takes them.

    Parameters
    ----------
    hints : list of dict
        x and y as fractions of width and height, color as '#rrggbb'.

    Returns
    -------
    list of (x, y, red, green, blue)

    Raises
    ------
    HintsError
        They are not such a list, or are too many.
    """
    if not isinstance(hints, list) or len(hints) > MOST_HINTS:
        raise HintsError(f'Hints are a list of at most {MOST_HINTS}.')
    found = []
    for hint in hints:
        try:
            x, y, color = float(hint['x']), float(hint['y']), str(hint['color'])
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise HintsError('A hint has x and y, from 0 to 1, and a color such as #c08040.') from error
        if not (0 <= x <= 1 and 0 <= y <= 1 and _COLOR.fullmatch(color)):
            raise HintsError('A hint has x and y, from 0 to 1, and a color such as #c08040.')
        found.append((x, y, *bytes.fromhex(color[1:])))
    return found


def write_hints(path, photo, hints):
    """Write hints, as `rows` takes them, to a JSON file beside a photo of that name."""
    Path(path).write_text(json.dumps({'photo': photo, 'hints': hints}, indent=1, ensure_ascii=False), 'utf-8')


def read_hints(path):
    """Read what `write_hints` wrote.

    Returns
    -------
    list of dict

    Raises
    ------
    HintsError
        The file is missing or holds no hints; the message names it.
    """
    path = Path(path)
    try:
        with path.open('rb') as file:  # whoever sent it may have sent gigabytes
            content = json.loads(file.read(HINTS_BYTES))
        hints = content['hints']
        rows(hints)
    except OSError as error:
        raise HintsError(f'{path.name} cannot be read.') from error
    except (ValueError, RecursionError, TypeError, KeyError) as error:  # HintsError is one of them
        reason = f' {error}' if isinstance(error, HintsError) else ''
        raise HintsError(f'{path.name} holds no colour hints: take a file that was saved here.{reason}') from error
    return [{'x': float(hint['x']), 'y': float(hint['y']), 'color': hint['color']} for hint in hints]


def to_hex(pixel):
    """'#rrggbb' of three numbers from 0 to 255."""
    return '#' + bytes(int(value) for value in pixel).hex()


def _matched(ab, wanted):
    """Colours with the mean and, within limits, the spread of a palette."""
    mean, spread = ab.mean((0, 1)), ab.std((0, 1))
    return (ab - mean) * np.clip(wanted.spread / np.maximum(spread, 1e-6), *PALETTE_GAIN) + wanted.mean


def _around(values, x, y):
    """The mean of a map [h, w, ...] around a point."""
    height, width = values.shape[:2]
    reach = NEAR * min(height, width)
    top, bottom = _span(y * height, reach, height)
    left, right = _span(x * width, reach, width)
    return values[top:bottom, left:right].mean((0, 1), dtype=np.float64)


def _span(centre, reach, length):
    """The pixels within reach of a place, at least one."""
    first = int(np.clip(centre - reach, 0, length - 1))
    return first, int(np.clip(np.ceil(centre + reach), first + 1, length))
