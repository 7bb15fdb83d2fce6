"""Whether a colour hint keeps to the thing that it is given to.

In a photo that is coloured already, one hint is put into the middle of a region (`metrics.regions`), of a vivid colour
that is not the truth's. What then changes outside the region, over what changes inside, is its spill. Some is no fault:
a sky in two regions should change as one. So it is for comparing, not for reaching 0.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage
from skimage import color

from lumachrome.contract import HINT_SIDE
from training import figures
from training.colorizers import FileColorizer, NetworkColorizer, colors, parts

SHARES = (0.02, 0.4)  # of the photo, for regions that are hinted at: neither specks nor backdrops
CHROMA = 45  # of a hint
TURN = np.pi  # of its hue from the region's true one


class Probe(NamedTuple):
    """A hint that is tried.

    Attributes
    ----------
    photo : int
        Which one of the pictures.
    point : float32 array [4]
        x and y as fractions, a and b.
    inside : bool array [S, S]
        The region that it is meant for.
    """

    photo: int
    point: np.ndarray
    inside: np.ndarray


def probes(truth: figures.Truth) -> list[Probe]:
    """The hints for a set of photos, at most two each; the same ones for every model.

    Of a photo's regions within `SHARES` that have room for a hint, the ones at a third and at two thirds by size.
    """
    found = []
    for photo, (picture, regions) in enumerate(zip(truth.pictures, truth.regions, strict=True)):
        side = len(picture)
        ab = color.rgb2lab(picture)[..., 1:]
        fitting = []
        for inside in (regions == label for label in range(regions.max() + 1)):
            if not SHARES[0] <= inside.mean() <= SHARES[1]:
                continue
            # The photo's edge ends a region too
            depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
            if depth.max() > HINT_SIDE * side / np.sqrt(2):  # half a square's diagonal
                y, x = np.unravel_index(depth.argmax(), depth.shape)
                fitting.append((inside.sum(), (x + 0.5) / side, (y + 0.5) / side, inside))
        fitting.sort(key=lambda one: one[:3])
        for at in sorted({len(fitting) // 3, 2 * len(fitting) // 3} if fitting else ()):
            _, x, y, inside = fitting[at]
            a, b = ab[inside].mean(0)
            hue = np.arctan2(b, a) + TURN
            wanted = np.array([[CHROMA * np.cos(hue), CHROMA * np.sin(hue)]])
            exists = color.rgb2lab(colors(wanted))[0, 1:]
            found.append(Probe(photo, np.array([x, y, *exists], 'float32'), inside))
    return found


def measure(
    model: NetworkColorizer | FileColorizer,
    truth: figures.Truth,
    tried: list[Probe],
    colored: np.ndarray,
    render_size: int | None = None,
    vividness: float = 0.0,
) -> figures.Values:
    """What each hint changes.

    Parameters
    ----------
    model : NetworkColorizer or FileColorizer
        One that takes hints.
    truth : figures.Truth
    tried : list of Probe
    colored : uint8 array [N, S, S, 3]
        The photos as the model colours them without hints, at the same settings.
    render_size, vividness
        As of `NetworkColorizer.colorize`.

    Returns
    -------
    Values
        The mean change of a and b, in CIELAB units, of each hint: `inside` and `outside` its region, and `asked`, the
        change that would give all of the region the hint's colour. Float arrays [M].
    """
    found: list[list[float]] = []
    for part in parts(tried):
        pictures = truth.pictures[[probe.photo for probe in part]]
        points = np.stack([probe.point[None] for probe in part])
        hinted = model.colorize(pictures, render_size, vividness, points)
        for probe, after in zip(part, color.rgb2lab(hinted)[..., 1:], strict=True):
            before = color.rgb2lab(colored[probe.photo])[..., 1:]
            change = np.linalg.norm(after - before, axis=-1)
            asked = np.linalg.norm(probe.point[2:] - before[probe.inside], axis=-1)
            found.append([change[probe.inside].mean(), change[~probe.inside].mean(), asked.mean()])
    return dict(zip(('inside', 'outside', 'asked'), np.array(found).T, strict=True))


def summary(changes: figures.Values) -> dict[str, Any]:
    """For a row of the table: `spill`, outside over inside, and `reach`, inside over asked; of how many `hints`."""
    spill = figures.ratio(changes['outside'], changes['inside'])
    reach = figures.ratio(changes['inside'], changes['asked'])
    return {'spill': figures.mean(spill), 'reach': figures.mean(reach), 'hints': len(spill)}
