"""What a person can set, and what it does to the colors that a network gives.

`Adjustments` is all of it. Sliders on the page, parameters over HTTP and MCP, options in the shell, and the checks of
all of these are made from its fields. A new slider is one field here and one line in `Adjustments.applied`; what it
touches besides, CONTRIBUTING.md says.

A network's answer (`Colors`) is a small map of CIELAB a and b, with the probabilities behind it where it predicts a
distribution. All that is here is arithmetic on that map, whatever the photo's size.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lumachrome import contract
from lumachrome.errors import AdjustmentError
from lumachrome.hints import Hint

Array = npt.NDArray[Any]

WARMEST = np.array([4.0, 12.0], np.float32)  # what warmth 1 adds to a and b: the shift from daylight to lamplight
PALETTE_GAIN = (0.5, 2.0)  # how far the spread of colors follows a reference
COLORED = 6  # spread of a and b from which a photo has colors of its own; a sepia scan has one hue, so hardly any
DULL = 4  # mean chroma under which a network has found nothing to color
MOST_HINTS = 200


@dataclass(frozen=True)
class Colors:
    """What one run of a network says about a photo's colors.

    Attributes
    ----------
    ab : float32 array [h, w, 2]
        CIELAB a and b as the file gives them; of a distribution its vivid point, where that was asked for.
    probabilities : float32 array [h, w, Q], or None
        How likely each bin is, where the network predicts a distribution.
    bins : float32 array [Q, 2], or None
        The bins' a and b.
    """

    ab: Array
    probabilities: Array | None = None
    bins: Array | None = None

    @property
    def is_dull(self) -> bool:
        """Whether there is next to no color in it."""
        return bool(np.linalg.norm(self.ab, axis=-1).mean() < DULL)


@dataclass(frozen=True)
class Palette:
    """The colors of a photo in short: mean and spread of CIELAB a and b."""

    mean: tuple[float, float]
    spread: tuple[float, float]

    @classmethod
    def of(cls, ab: Array) -> 'Palette':
        """The palette of a map of a and b, float [H, W, 2]."""
        (a, b), (a_spread, b_spread) = ab.mean((0, 1)).tolist(), ab.std((0, 1)).tolist()
        return cls((a, b), (a_spread, b_spread))

    @property
    def is_colored(self) -> bool:
        """Whether these are a photo's own colors; an old print's one tone does not count."""
        return bool(np.linalg.norm(self.spread) > COLORED)


@dataclass(frozen=True)
class Setting:
    """How a field of `Adjustments` may be set.

    Attributes
    ----------
    name : str
    default : object
    help : str
        A sentence for people and programs.
    low, high, step : float
        Of a number.
    whole : bool
        Whether the number has no fraction.
    off : float, optional
        A number outside the range that is allowed too, and leaves the choice to the network.
    slider : pair of float, optional
        The part of the range that a slider shows, where less is more useful.
    presets : tuple of float
        Numbers to choose from, where any other is a choice for few.
    needs : str
        What a network must have for it, as in `contract.Tensor`.
    """

    name: str
    default: Any
    help: str
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    whole: bool = False
    off: float | None = None
    slider: tuple[float, float] | None = None
    presets: tuple[float, ...] = ()
    needs: str = ''

    @property
    def is_number(self) -> bool:
        return self.high > self.low

    @property
    def shown(self) -> tuple[float, float]:
        """The ends of a slider."""
        return self.slider or (self.low, self.high)

    @property
    def range(self) -> str:
        """The range in words."""
        ends = (f'{self.low:g}', f'{self.high:g}')
        return f'from {ends[0]} to {ends[1]}' if self.off is None else f'{self.off:g} or from {ends[0]} to {ends[1]}'

    def checked(self, value: Any) -> Any:
        """A value as the field holds it; None stands for the default.

        Raises
        ------
        AdjustmentError
            It is of another kind or out of range.
        """
        if value is None:
            return self.default
        return self._number(value) if self.is_number else value

    def _number(self, value: Any) -> float | int:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (self.low <= number <= self.high or number == self.off) or (self.whole and number % 1):
            kind = 'a whole number' if self.whole else 'a number'
            raise AdjustmentError(f'{self.name} is {kind}, {self.range}, not {value!r:.60}.')
        return int(number) if self.whole else number


def _setting(default: Any, help: str, limits: tuple[float, float] = (0.0, 0.0), **more: Any) -> Any:
    return field(default=default, metadata={'help': help, 'low': limits[0], 'high': limits[1], **more})


@dataclass(frozen=True)
class Adjustments:
    """All that a person can set for a photo's colors. None stands for a default.

    Attributes
    ----------
    render_size : int
        Short side in pixels, 32 to 1024, at which the network looks at the photo; 0 means its own.
    vividness : float
        From 0, the mean of the likely colors, to 1, the vivid point; for networks that predict a distribution.
    saturation : float
        Factor on the colors, 0 (gray) to 4.
    warmth : float
        From -1, cold, to 1, warm.
    reach : float
        Factor on how far hints spread, 0.1 to 4; for networks that take hints and know of it.
    variant : int
        Another likely coloring, 1 to 3; 0 is the likeliest. For networks that give themselves hints.
    palette : Palette, optional
        Colors of another photo to come near to.
    strength : float
        From 0, not at all, to 1: how near to the palette.
    hints : tuple of Hint
        Colors that are known at some places; for networks that take them.

    Raises
    ------
    AdjustmentError
        A value is of another kind or out of its range.

    Examples
    --------
    >>> Adjustments(saturation=0.5, warmth=None).warmth
    0.0
    >>> Adjustments(saturation=float('nan'))
    Traceback (most recent call last):
    lumachrome.errors.AdjustmentError: saturation is a number, from 0 to 4, not nan.
    """

    render_size: int = _setting(
        0,
        "Short side in pixels at which the network looks at the photo; 0 is the network's own.",
        contract.limits(contract.RENDER_SIZE),
        step=1,
        whole=True,
        off=0,
        presets=(0, 256, 384, 512, 768),
    )
    vividness: float = _setting(
        1.0,
        'How vivid: 0 is the mean of the likely colours, 1 as vivid as such things are.',
        contract.limits(contract.VIVIDNESS),
        step=0.05,
        needs=contract.DISTRIBUTION,
    )
    saturation: float = _setting(
        1.0,
        "Factor on the colours: 0 is gray, 1 the network's own.",
        contract.limits(contract.SATURATION),
        step=0.05,
        slider=(0.0, 2.0),
    )
    warmth: float = _setting(0.0, 'Below 0 colder, above 0 warmer.', (-1.0, 1.0), step=0.05)
    reach: float = _setting(
        1.0,
        'Factor on how far hints spread: below 1 they keep closer to where they are.',
        contract.limits(contract.REACH),
        step=0.1,
        slider=(0.2, 2.0),
        needs=contract.REACHES,
    )
    variant: int = _setting(
        0,
        'Another likely colouring: what may well have another colour gets it; 0 is the likeliest.',
        contract.limits(contract.VARIANT),
        step=1,
        whole=True,
        presets=(0, 1, 2, 3),
        needs=contract.ANCHORED,
    )
    palette: Palette | None = field(
        default=None, metadata={'help': 'A colour photo whose palette the colours come near to.'}
    )
    strength: float = _setting(0.5, 'How near to the palette: 0 is not at all.', (0.0, 1.0), step=0.05)
    hints: tuple[Hint, ...] = _setting((), 'Colours that are known at some places.', needs=contract.TAKES_HINTS)

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            object.__setattr__(self, name, setting.checked(getattr(self, name)))
        given: tuple[Any, Any] = (self.palette, self.hints)  # whatever it is: not every caller checks types
        palette, hints = given
        if not (palette is None or isinstance(palette, Palette)):
            raise AdjustmentError(f'palette is a Palette, as photofile.read_palette gives it, not {palette!r:.60}.')
        kept = tuple(hints) if isinstance(hints, Iterable) else (hints,)
        if not all(isinstance(hint, Hint) for hint in kept):
            raise AdjustmentError(f'hints are a list of Hint, not {hints!r:.60}.')
        object.__setattr__(self, 'hints', kept)
        if len(self.hints) > MOST_HINTS:
            raise AdjustmentError(f'Hints are a list of at most {MOST_HINTS}.')

    @property
    def changed(self) -> dict[str, Any]:
        """What is not at its default: name to value."""
        values = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in values.items() if value != SETTINGS[name].default}

    def without(self, missing: Iterable[str]) -> 'Adjustments':
        """The same with the settings of some names at their defaults."""
        return dataclasses.replace(self, **{name: SETTINGS[name].default for name in missing})

    def applied(self, colors: Colors) -> Array:
        """What the settings make of a network's colors; without any, the file's own.

        Parameters
        ----------
        colors : Colors
            Of a run with these hints and this variant at this render size.

        Returns
        -------
        float32 array [h, w, 2]
            CIELAB a and b, as `Colorizer.join` takes them.
        """
        ab = colors.ab
        if colors.probabilities is not None and colors.bins is not None:
            faithful = colors.probabilities @ colors.bins
            ab = faithful + self.vividness * (ab - faithful)
        if self.palette is not None:
            ab = ab + self.strength * (_matched(ab, self.palette) - ab)
        ab = ab + self.warmth * WARMEST
        return (ab * self.saturation).astype(np.float32)


SETTINGS: dict[str, Setting] = {
    known.name: Setting(known.name, known.default, **known.metadata) for known in dataclasses.fields(Adjustments)
}


def _matched(ab: Array, wanted: Palette) -> Array:
    """Colors with the mean and, within limits, the spread of a palette."""
    mean, spread = ab.mean((0, 1)), ab.std((0, 1))
    return (ab - mean) * np.clip(np.array(wanted.spread) / np.maximum(spread, 1e-6), *PALETTE_GAIN) + np.array(
        wanted.mean
    )
