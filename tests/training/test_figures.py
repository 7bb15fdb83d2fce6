"""Figures of coloured pictures: evenness, spill, their means and errors."""

import numpy as np
import pytest
from skimage import color

from training import figures, metrics, spill
from training.photos import Photos

SIDE = 128
COLORS = [(200, 60, 50), (60, 150, 60), (70, 90, 190), (190, 170, 60)]


@pytest.fixture(scope='module')
def truth():
    """Three photos of four things, smooth and each of a colour, as light as they are by chance; of two sources."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((3, SIDE, SIDE, 3), 'uint8')
    for picture in pictures:
        split, shades = rng.integers(50, 78, 3), rng.permutation(4)
        picture[:, : split[0]] = COLORS[shades[0]]
        picture[:, split[0] :] = COLORS[shades[1]]
        picture[split[1] :, : split[0]] = COLORS[shades[2]]
        picture[split[2] :, split[0] :] = COLORS[shades[3]]
    pictures += rng.integers(0, 4, pictures.shape, 'uint8')
    names = ['shard.tar/sea_1.png', 'shard.tar/sea_12.png', 'shard.tar/my_town_3.png']
    return figures.Truth(Photos(pictures, [0, 1, 2], names, ['00', '01', '02'], {}))


def painted(picture, ab):
    """A picture in other colours, about as light: ab is one colour or [S, S, 2]."""
    lab = color.rgb2lab(picture)
    lab[..., 1:] = ab
    return np.uint8(np.round(255 * color.lab2rgb(lab)))


def test_flicker_follows_what_moves():
    rng = np.random.default_rng(0)
    before = rng.normal(0, 20, (20, 30, 2))
    after = np.roll(before, 3, 1)
    places = np.stack(np.meshgrid(np.arange(30.0), np.arange(20.0)), -1) - [3, 0]
    places[places[..., 0] < 0] = np.nan
    assert metrics.flicker(after, before, places) == pytest.approx(0)
    assert metrics.flicker(after + np.array([2, -4]), before, places) == pytest.approx(3)
    still = np.stack(np.meshgrid(np.arange(30.0), np.arange(20.0)), -1)
    assert metrics.flicker(after, before, still) > 15
    after[5:] += 50
    assert metrics.flicker(after, before, places, counts=np.arange(20)[:, None] < 5) == pytest.approx(0)
    assert np.isnan(metrics.flicker(after, before, places * np.nan))


def test_unevenness_is_how_far_colors_stray_from_their_regions_mean():
    gray = np.full((40, 40, 3), 128, 'uint8')
    regions = np.zeros((40, 40), int)
    regions[:, 20:] = 1
    halves = painted(gray, np.where(regions[..., None], [30, 10], [-20, 20]))
    assert metrics.unevenness(halves, regions) < 1e-6  # each is even
    assert metrics.unevenness(halves, 0 * regions) == pytest.approx(np.hypot(50, 10) / 2, abs=0.3)
    stained = halves.copy()
    stained[::2, 20:] = painted(gray, [10, 10])[::2, 20:]  # 20 apart, 10 from their mean, in one of two regions
    assert metrics.unevenness(stained, regions) == pytest.approx(np.sqrt(10**2 / 2), abs=0.3)
    # What is small is left out, unless nothing else is there
    regions[:, :21] = 0
    stained = painted(gray, np.where(np.arange(1600).reshape(40, 40, 1) % 40 < 21, [30, 10], [-20, 20]))
    stained[:, 21:] = np.random.default_rng(0).integers(0, 256, (40, 19, 3))
    regions[:, 21:] = 1 + np.arange(19) // 10
    assert metrics.unevenness(stained, regions) < 1e-6
    assert metrics.unevenness(stained[:, 21:31], regions[:, 21:31]) > 10


def test_regions_are_the_things_in_a_photo(truth):
    for picture, regions in zip(truth.pictures, truth.regions, strict=True):
        size = np.bincount(regions.ravel())  # between two things there may be a seam
        assert (size > 0).all() and np.sort(size)[-4:].sum() > 0.95 * SIDE**2
        assert metrics.unevenness(picture, regions) < metrics.unevenness(picture, 0 * regions) / 3


def test_a_ratio_of_means_comes_with_its_error():
    rng = np.random.default_rng(0)
    theirs = rng.uniform(2, 10, 400)
    ours = 0.6 * theirs + rng.normal(0, 1, 400)
    found = figures.mean(figures.ratio(ours, theirs))
    assert found['mean'] == pytest.approx(ours.mean() / theirs.mean())
    again = [ours[at].mean() / theirs[at].mean() for at in rng.integers(0, 400, (2000, 400))]
    assert found['se'] == pytest.approx(np.std(again), rel=0.1)


def test_sources_are_told_by_names():
    assert figures.source_of('photos/train-000.tar/my_town_12.avif') == 'my_town'
    assert figures.source_of('holidays/beach.jpg') == 'holidays'
    assert figures.source_of('holidays/12.jpg') == 'holidays'


def test_a_row_and_its_sources(truth):
    pictures = np.stack([painted(picture, [10, 0]) for picture in truth.pictures])
    values = {'even': truth.figures(pictures), 'true': truth.figures(truth.pictures)}
    even, true = (figures.row(name, of, truth.own) for name, of in values.items())
    assert true['unevenness']['ratio'] == 1 and true['unevenness']['ratio_se'] == 0
    assert even['unevenness']['ratio'] < 0.5 and even['unevenness']['truth'] == true['unevenness']['mean']
    assert true['psnr']['mean'] == 50 and true['colorfulness']['difference'] == true['colorfulness']['distance'] == 0
    assert true['gain']['mean'] == pytest.approx(50 - truth.gray_psnr.mean())
    assert true['gain']['se'] == pytest.approx(truth.gray_psnr.std(ddof=1) / np.sqrt(3))
    found = figures.by_source(values, truth)
    assert [(of['source'], of['photos']) for of in found] == [('my_town', 1), ('sea', 2)]
    assert found[0]['even']['gain'] == values['even']['gain'][2]
    assert found[1]['even']['gain'] == values['even']['gain'][:2].mean()
    assert found[1]['true'] == {'gain': values['true']['gain'][:2].mean(), 'colorfulness': 0, 'unevenness': 1}


def test_a_difference_is_surer_than_what_differs(truth):
    ours = truth.figures(truth.pictures)
    theirs = {key: values - 0.5 for key, values in ours.items()}  # wherever a photo is hard, it is so for both
    found = figures.difference(ours, theirs, truth)
    assert found['gain'] == pytest.approx({'mean': 0.5, 'se': 0, 'sources_mean': 0.5, 'sources_se': 0})
    assert found['colorfulness']['mean'] == pytest.approx(0.5) and found['unevenness']['mean'] > 0
    theirs['gain'] = ours['gain'] - [1, 2, 6]
    found = figures.difference(ours, theirs, truth)['gain']
    assert found['mean'] == pytest.approx(3) and found['sources_mean'] == pytest.approx((1.5 + 6) / 2)
    assert found['sources_se'] == pytest.approx(4.5 / 2)


def test_hints_that_are_tried_lie_deep_in_things_and_are_of_a_color_that_is_not_theirs(truth):
    tried = spill.probes(truth)
    assert [probe.photo for probe in tried] == [0, 0, 1, 1, 2, 2]
    for probe, again in zip(tried, spill.probes(truth), strict=True):
        x, y = (probe.point[:2] * SIDE).astype(int)
        assert probe.inside[y - 12 : y + 13, x - 12 : x + 13].all()
        theirs = color.rgb2lab(truth.pictures[probe.photo])[probe.inside][:, 1:].mean(0)
        a, b = probe.point[2:]
        assert np.hypot(a, b) == pytest.approx(spill.CHROMA, abs=3) and np.dot(theirs, [a, b]) < 0
        assert (again.point == probe.point).all() and (again.inside == probe.inside).all()


class Painter:
    """Takes a hint for all that is within a distance of it (in sides), as strongly as told; the rest stays gray."""

    takes_hints = True

    def __init__(self, distance, strength=1.0):
        self.distance, self.strength = distance, strength

    def colorize(self, pictures, render_size=None, vividness=0.0, points=None):
        middles = (np.arange(SIDE) + 0.5) / SIDE
        done = []
        for picture, (x, y, *ab) in zip(pictures, points[:, 0], strict=True):
            reached = np.maximum(*np.meshgrid(np.abs(middles - x), np.abs(middles - y))) <= self.distance
            share = self.strength * reached[..., None]
            done.append(painted(picture, (1 - share) * np.zeros(2) + share * np.array(ab)))
        return np.stack(done)


@pytest.fixture(scope='module')
def light(truth):
    """Photos in which all colours exist, with the regions of `truth`: what is measured is not the gamut."""

    class Light:
        pictures = np.full_like(truth.pictures, 140)
        regions = truth.regions

    return Light


@pytest.mark.parametrize(
    ('painter', 'spill_is', 'reach_is'),
    [
        (Painter(0.1), (0, 0), (0.05, 0.4)),
        (Painter(2), (0.97, 1.03), (0.9, 1)),
        (Painter(2, 0.5), (0.97, 1.03), (0.45, 0.5)),
    ],
)
def test_spill_is_what_changes_beside_the_thing(truth, light, painter, spill_is, reach_is):
    tried = spill.probes(truth)
    changes = spill.measure(painter, light, tried, light.pictures)
    found = spill.summary(changes)
    assert found['hints'] == 6
    assert spill_is[0] <= found['spill']['mean'] <= spill_is[1]
    assert reach_is[0] <= found['reach']['mean'] <= reach_is[1] + 0.01
