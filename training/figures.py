"""What is reported of coloured pictures: the figures of each photo, and their means with standard errors.

Photos of one source are alike, and a set may hold many of one and few of another; so every mean over photos has a mean
over sources beside it, whose error says how far the figure would carry to photos from elsewhere.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from training import metrics
from training.colorizers import to_gray
from training.photos import Photos

Values = dict[str, np.ndarray]  # of each photo, by the figure's name: float arrays [N]

PLAIN = ('psnr', 'gain', 'ssim', 'ciede2000', 'auc')  # figures that a picture has by its truth
OWN: dict[str, Callable[..., float]] = {  # and those that the truth has too; the last takes regions
    'colorfulness': metrics.colorfulness,
    'colorfulness_absolute': lambda picture: metrics.colorfulness(picture, absolute=True),
    'unevenness': metrics.unevenness,
}


class Truth:
    """Photos to judge by, with what is found out about them once.

    Parameters
    ----------
    photos : training.photos.Photos

    Attributes
    ----------
    pictures, gray : uint8 arrays [N, S, S, 3]
        The photos, and the same without colour.
    regions : list of int arrays [S, S]
        See `metrics.regions`.
    sources : str array [N]
        See `source_of`.
    own : Values
        The photos' own colorfulness, in both forms, and unevenness.
    """

    def __init__(self, photos: Photos) -> None:
        self.pictures = photos.stacked()
        self.gray = to_gray(self.pictures)
        self.sources = np.array([source_of(name) for name in photos.names])
        self.regions = [metrics.regions(picture) for picture in self.pictures]
        self.own = self._own(self.pictures)
        self.gray_psnr = _each(metrics.psnr, self.gray, self.pictures)

    def figures(self, pictures: np.ndarray) -> Values:
        """The figures of the photos as somebody coloured them: uint8 array [N, S, S, 3]."""
        gain = self.gain(pictures)
        errors = _each(lambda ours, theirs: metrics.auc(metrics.ab_error(ours, theirs)), pictures, self.pictures)
        return {
            'psnr': gain + self.gray_psnr,
            'gain': gain,
            'ssim': _each(metrics.ssim, pictures, self.pictures),
            'ciede2000': _each(metrics.ciede2000, pictures, self.pictures),
            'auc': errors,
            **self._own(pictures),
        }

    def gain(self, pictures: np.ndarray) -> np.ndarray:
        """PSNR over that of the gray pictures, of each photo, in dB: float array [N]."""
        return _each(metrics.psnr, pictures, self.pictures) - self.gray_psnr

    def _own(self, pictures):
        return {
            name: _each(figure, pictures, self.regions) if name == 'unevenness' else _each(figure, pictures)
            for name, figure in OWN.items()
        }


def source_of(name: str) -> str:
    """Where a photo comes from: what stands before a number at the end of its name, or else its folder.

    Of `shard.tar/harbour_12.jpg` it is `harbour`, of `holidays/beach.jpg` it is `holidays`.
    """
    path = Path(name)
    numbered = re.fullmatch(r'(.+)_\d+', path.stem)
    return numbered[1] if numbered else path.parent.name


def _each(figure, *sets):
    """A figure of each picture: float array [N]."""
    return np.array([figure(*pair) for pair in zip(*sets, strict=True)], float)


def mean(values: np.ndarray) -> dict[str, float]:
    """The mean of values [N] with its standard error."""
    return {'mean': float(values.mean()), 'se': float(values.std(ddof=1) / np.sqrt(len(values)))}


def ratio(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Values [N] whose mean is the ratio of two means, and whose standard error is its error (the delta method's).

    A mean of ratios would hang on the few photos in which the divisor is almost nothing.
    """
    of_means = ours.mean() / theirs.mean()
    return of_means + (ours - of_means * theirs) / theirs.mean()


def row(name: str, values: Values, truth: Values) -> dict[str, Any]:
    """A row of the table: each figure with its mean over the photos and its standard error.

    Parameters
    ----------
    name : str
    values : Values
        As `Truth.figures` gives them.
    truth : Values
        As `Truth.own`.

    Returns
    -------
    dict
        Of colorfulness, `difference` is that of the means (as the papers report it), and `distance` the mean over the
        photos of how far each is from its own truth. Of unevenness, `ratio` is that of the means.
    """
    figures: dict[str, Any] = {key: mean(values[key]) for key in PLAIN}
    for key in OWN:
        ours, theirs = values[key], truth[key]
        figures[key] = {**mean(ours), 'truth': float(theirs.mean())}
        if key == 'unevenness':
            compared = {'ratio': ratio(ours, theirs)}
        else:
            compared = {'difference': ours - theirs, 'distance': np.abs(ours - theirs)}
        for what, each in compared.items():
            found = mean(each)
            figures[key] |= {what: found['mean'], f'{what}_se': found['se']}
    return {'name': name, **figures}


def by_source(values: dict[str, Values], truth: Truth) -> list[dict[str, Any]]:
    """The figures that matter most, source by source.

    Parameters
    ----------
    values : dict of str to Values
        Of each row, by its name.
    truth : Truth

    Returns
    -------
    list of dict
        `source`, `photos`, and under each row's name `gain` (dB over gray), `colorfulness` (absolute form, minus the
        truth's) and `unevenness` (over the truth's).
    """
    found = []
    for source in np.unique(truth.sources):
        here = truth.sources == source
        own = {key: theirs[here] for key, theirs in truth.own.items()}
        found.append({'source': str(source), 'photos': int(here.sum())})
        for name, all_values in values.items():
            ours = {key: each[here] for key, each in all_values.items()}
            found[-1][name] = {
                'gain': float(ours['gain'].mean()),
                'colorfulness': float((ours['colorfulness_absolute'] - own['colorfulness_absolute']).mean()),
                'unevenness': float(ours['unevenness'].mean() / own['unevenness'].mean()),
            }
    return found


def difference(ours: Values, theirs: Values, truth: Truth) -> dict[str, Any]:
    """What one model does better than another on the same photos, pair by pair.

    Parameters
    ----------
    ours, theirs : Values
        As `Truth.figures` gives them.
    truth : Truth

    Returns
    -------
    dict
        `gain` in dB, `colorfulness` in absolute form and `unevenness` over the truth's: each the difference's mean and
        its standard error, over photos and, as `sources_mean` and `sources_se`, over sources; the latter are absent
        where all photos are of one source.
    """
    unevenness = (ratio(values['unevenness'], truth.own['unevenness']) for values in (ours, theirs))
    pairs = {
        'gain': ours['gain'] - theirs['gain'],
        'colorfulness': ours['colorfulness_absolute'] - theirs['colorfulness_absolute'],
        'unevenness': np.subtract(*unevenness),
    }
    return {key: mean(each) | _over_sources(each, truth.sources) for key, each in pairs.items()}


def _over_sources(values, sources):
    means = np.array([values[sources == source].mean() for source in np.unique(sources)])
    return {f'sources_{key}': value for key, value in mean(means).items()} if len(means) > 1 else {}
