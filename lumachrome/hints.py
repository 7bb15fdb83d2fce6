"""Color hints: places whose color a person knows, files of them, and likely colors to choose from."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lumachrome.errors import AdjustmentError, atomic

if TYPE_CHECKING:
    from lumachrome.adjustments import Colors
    from lumachrome.colorizer import Colorizer

Array = npt.NDArray[Any]

NEAR = 1 / 40  # of the short side: what counts as the surroundings of a point
DISTINCT = 18  # CIELAB units between two suggested colors
UNLIKELY = 1 / 200  # of the likeliest bin's probability: less is not suggested
FAINT = 12  # chroma under which a suggestion is no color: gray is offered apart
# Skin, sky, leaves, wood, brick: offered where the network has no likely colors of its own.
COMMON = [(18, 20), (-4, -28), (-24, 30), (12, 28), (40, 28)]
FILE_BYTES = 100_000  # of a file of hints, which is read whole

_COLOR = re.compile('#[0-9a-fA-F]{6}')
FORM = '{"photo": "photo.jpg", "hints": [{"x": 0.5, "y": 0.2, "color": "#4060c0"}]}'  # of a file, as `write` writes it
_WHAT = 'A hint has x and y, from 0 to 1, and a color such as #c08040.'


@dataclass(frozen=True)
class Hint:
    """A place whose color is known.

    Parameters
    ----------
    x, y : float
        The place, as fractions of the photo's width and height, 0 to 1.
    color : str or (red, green, blue)
        '#rrggbb', or three numbers from 0 to 255. Only its CIELAB a and b count: lightness is the photo's own.

    Raises
    ------
    AdjustmentError
        A value is of another kind or out of its range.

    Examples
    --------
    >>> Hint(0.5, 0.2, '#4060c0').row
    (0.5, 0.2, 64.0, 96.0, 192.0)
    """

    x: float
    y: float
    color: str | tuple[float, float, float]

    def __post_init__(self) -> None:
        try:
            row = (float(self.x), float(self.y), *_rgb(self.color))
        except (TypeError, ValueError, OverflowError) as error:
            raise AdjustmentError(_WHAT) from error
        highest = (1, 1, 255, 255, 255)
        if not all(0 <= value <= most for value, most in zip(row, highest, strict=True)):  # NaN is not either
            raise AdjustmentError(_WHAT)

    @property
    def row(self) -> tuple[float, float, float, float, float]:
        """x, y, red, green, blue, as the contract's input `hints` takes them."""
        return (float(self.x), float(self.y), *_rgb(self.color))

    def as_dict(self) -> dict[str, Any]:
        """The hint as JSON holds it, as `parse` takes it."""
        x, y, *rgb = self.row
        return {'x': x, 'y': y, 'color': to_hex(rgb)}


def _rgb(color: str | tuple[float, float, float]) -> tuple[float, float, float]:
    if isinstance(color, str):
        if not _COLOR.fullmatch(color):
            raise ValueError(color)
        red, green, blue = bytes.fromhex(color[1:])
    else:
        red, green, blue = color
    return float(red), float(green), float(blue)


def to_hex(pixel: Sequence[float] | Array) -> str:
    """'#rrggbb' of three numbers from 0 to 255."""
    return '#' + bytes(round(float(value)) for value in pixel).hex()


def parse(given: Any) -> tuple[Hint, ...]:
    """Hints of what JSON holds: a list of {"x": 0.5, "y": 0.2, "color": "#4060c0"}; null is none.

    Raises
    ------
    AdjustmentError
        It is no such list.
    """
    if given is None:
        return ()
    if not isinstance(given, list):
        raise AdjustmentError('Hints are a list, such as [{"x": 0.5, "y": 0.2, "color": "#4060c0"}].')
    try:
        return tuple(Hint(hint['x'], hint['y'], str(hint['color'])) for hint in given)  # type: ignore[index]
    except (TypeError, KeyError) as error:
        raise AdjustmentError(_WHAT) from error


def write(path: str | Path, photo: str, hints: Sequence[Hint]) -> None:
    """Write hints to a JSON file beside the name of their photo."""
    content = {'photo': photo, 'hints': [hint.as_dict() for hint in hints]}
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), 'utf-8')


class HintFile(NamedTuple):
    """What a file of hints holds: the name of the photo they were given for, and the hints."""

    photo: str
    hints: tuple[Hint, ...]


def read(path: str | Path) -> HintFile:
    """Read what `write` wrote.

    Raises
    ------
    AdjustmentError
        The file is missing or holds no hints; the message names it.
    """
    path = Path(path)
    try:
        with path.open('rb') as file:  # whoever sent it may have sent gigabytes
            content = json.loads(file.read(FILE_BYTES))
        return HintFile(str(content.get('photo', '')), parse(content['hints']))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise AdjustmentError(f'{path.name} does not exist.' if missing else f'{path.name} cannot be read.') from error
    except (ValueError, RecursionError, KeyError, AttributeError, AdjustmentError) as error:
        reason = f' {error}' if isinstance(error, AdjustmentError) else ''
        raise AdjustmentError(
            f'{path.name} holds no colour hints: take a file that the page saved, or write {FORM}.{reason}'
        ) from error


def suggestions(colors: 'Colors', x: float, y: float, count: int = 5) -> Array:
    """Likely colors for a point, the most telling first, each well apart from those before it.

    Parameters
    ----------
    colors : Colors
    x, y : float
        The point, as fractions of width and height.
    count : int
        How many at most.

    Returns
    -------
    float32 array [n, 2]
        CIELAB a and b; `COMMON` where the network predicts no distribution.
    """
    if colors.probabilities is None or colors.bins is None:
        return np.array(COMMON[:count], np.float32)
    likely = _around(colors.probabilities, x, y)
    # What is likely all over the photo, grays and browns above all, says less about this point.
    telling = likely / np.sqrt(colors.probabilities.mean((0, 1)) + 1e-9)
    possible = (likely >= UNLIKELY * likely.max()) & (np.linalg.norm(colors.bins, axis=-1) >= FAINT)
    chosen: list[int] = []
    for i in np.argsort(-telling):
        apart = np.linalg.norm(colors.bins[chosen] - colors.bins[i], axis=-1) >= DISTINCT
        if possible[i] and apart.all() and len(chosen) < count:
            chosen.append(int(i))
    return colors.bins[chosen]


def swatches(colorizer: 'Colorizer', photo: Array, x: float, y: float, ab: Array) -> list[str]:
    """How colors look at a point of a photo: at the luminance that the point has.

    Parameters
    ----------
    colorizer : Colorizer
    photo : uint8 array [H, W, 3]
    x, y : float
        The point, as fractions of width and height.
    ab : float array [n, 2]

    Returns
    -------
    list of str
        '#rrggbb', one a color.
    """
    if not len(ab):
        return []
    level = np.round(_around(photo, x, y)).astype(np.uint8)
    pixels = np.broadcast_to(level, (1, len(ab), 3))
    return [to_hex(pixel) for pixel in colorizer.join(pixels, np.asarray(ab)[None])[0]]


def _around(values: Array, x: float, y: float) -> Array:
    """The mean of a map [h, w, ...] around a point."""
    height, width = values.shape[:2]
    reach = NEAR * min(height, width)
    top, bottom = _span(y * height, reach, height)
    left, right = _span(x * width, reach, width)
    return values[top:bottom, left:right].mean((0, 1), dtype=np.float64)


def _span(center: float, reach: float, length: int) -> tuple[int, int]:
    """The pixels within reach of a place, at least one."""
    first = int(np.clip(center - reach, 0, length - 1))
    return first, max(first + 1, min(length, math.ceil(center + reach)))
