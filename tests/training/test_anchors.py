"""Anchors: where they lie, which colours they take, and when another colouring is one."""

import numpy as np
import pytest
from keras import ops

from training import anchors, bins

MEAN_POINT = (1.0, np.zeros(len(bins.BINS), 'float32'), bins.BINS)  # a vivid point that is the mean


def numpy(x):
    return ops.convert_to_numpy(x)


def placed(L, likely, share=None, variant=0, point=MEAN_POINT):
    """Anchors of one picture: L [h, w] and, for each place, colours with their probabilities."""
    height, width = L.shape
    logits = np.full((1, height, width, len(bins.BINS)), -20.0, 'float32')
    for (a, b), probability in likely:
        nearest = np.linalg.norm(bins.BINS - np.array([a, b]), axis=-1).argmin()
        logits[0, ..., nearest] = np.log(np.maximum(probability, 1e-9))
    share = np.zeros((height, width), 'float32') if share is None else share
    tensors = (L[None, ..., None].astype('float32'), logits, share[None, ..., None].astype('float32'), [float(variant)])
    return numpy(anchors.place(*map(ops.convert_to_tensor, tensors), point)[0])[0]


def sky_over_grass(height=24, width=36):
    """L, and a mask of the sky."""
    sky = np.arange(height)[:, None] < height // 2
    sky = np.broadcast_to(sky, (height, width))
    return np.where(sky, 80.0, 40.0), sky


@pytest.mark.parametrize('shape', [(24, 36), (36, 24), (8, 8), (3, 50)])
def test_anchors_lie_inside_and_stand_for_the_whole_picture(shape):
    L, sky = sky_over_grass(*shape)
    found = placed(L, [((0, -30), sky), ((-20, 30), ~sky)])
    assert found.shape == (anchors.COUNT, 5)
    assert (found[:, :2] > 0).all() and (found[:, :2] < 1).all()
    assert found[:, 4].sum() == pytest.approx(1, abs=1e-3)


def test_each_thing_gets_its_color_at_a_place_that_is_in_it():
    L, sky = sky_over_grass()
    found = placed(L, [((0, -30), sky), ((-20, 30), ~sky)])
    for x, y, a, b, _ in found:
        above = sky[int(y * 24), int(x * 36)]
        np.testing.assert_allclose([a, b], anchors.BOOST * np.array([0, -30] if above else [-20, 30]), atol=1)


def test_where_a_person_has_spoken_there_is_no_anchor():
    L, sky = sky_over_grass()
    found = placed(L, [((0, -30), sky), ((-20, 30), ~sky)], share=np.where(sky, 0.9, 0.0))
    there = found[:, 4] > 0
    assert 0 < there.sum() < anchors.COUNT
    assert all(not sky[int(y * 24), int(x * 36)] for x, y, *_ in found[there])
    hints = numpy(anchors.as_hints(ops.convert_to_tensor(found[None]), 96, 144))[0]
    np.testing.assert_array_equal(hints[:, 2] > 0, there)


def test_as_hints_they_lie_where_they_lay():
    found = ops.convert_to_tensor(np.float32([[[0.25, 0.5, 10, -20, 0.3]] * anchors.COUNT]))
    hints = numpy(anchors.as_hints(found, 64, 128))
    np.testing.assert_allclose(hints[0, 0], [32, 32, 1.5, 10, -20, 1])


def test_another_coloring_changes_what_may_be_otherwise_and_gray_is_no_choice():
    L, sky = sky_over_grass()
    unsure = [((60, 40), 0.5 * sky), ((10, -50), 0.3 * sky), ((0, 0), 0.2 * sky)]  # a dress: red or blue, or gray
    likely = [*unsure, ((-40, 40), 0.99 * ~sky), ((60, 0), 0.01 * ~sky)]  # and grass
    own, other, third = (placed(L, likely, variant=variant) for variant in (0, 1, 2))
    for before, after, last in zip(own, other, third, strict=True):
        if sky[int(before[1] * 24), int(before[0] * 36)]:
            np.testing.assert_allclose(after[2:4], anchors.BOOST * np.array([10, -50]), atol=2)
        else:
            np.testing.assert_allclose(after[2:4], before[2:4], atol=2)
        np.testing.assert_allclose(last[2:4], before[2:4], atol=2)  # no third colour is likely
    np.testing.assert_allclose(other[:, [0, 1, 4]], own[:, [0, 1, 4]], atol=1e-4)


def test_no_two_neighbors_of_hue_are_two_choices():
    L, sky = sky_over_grass()
    likely = [((60, 20), 0.5 * sky), ((50, 50), 0.4 * sky), ((-40, 40), 1.0 * ~sky)]
    own, other = (placed(L, likely, variant=variant) for variant in (0, 1))
    np.testing.assert_allclose(other, own, atol=0.1)


def test_every_colored_bin_has_one_sector():
    sectors = anchors.sectors()
    colored = np.linalg.norm(bins.BINS, axis=-1) >= anchors.GRAYEST
    np.testing.assert_array_equal(sectors.sum(1), colored)
    assert (sectors.sum(0) > 5).all()


def reading(spread, belongs, share=0.0, border=0.0, vividness=1.0, faithful=0.0):
    """ab of one picture of 1 x 4 places: `spread` [4, 2], `belongs` [COUNT, 4]; the others are the same everywhere."""
    full = [np.full((1, 1, 4, n), value, 'float32') for n, value in ((1, share), (1, border), (2, faithful))]
    tensors = (full[2], spread[None, None], belongs[None], *full[:2], np.array([vividness], 'float32'))
    return numpy(anchors.read(*map(ops.convert_to_tensor, tensors)))[0, 0]


def test_vivid_colors_are_drawn_to_their_clusters_mean():
    spread = np.float32([[10, 0], [30, 0], [0, 40], [0, 20]])
    belongs = np.zeros((anchors.COUNT, 4), 'float32')
    belongs[0, :2] = belongs[1, 2:] = 1
    evened = spread + anchors.EVEN * np.float32([[10, 0], [-10, 0], [0, -10], [0, 10]])
    np.testing.assert_allclose(reading(spread, belongs), evened, atol=1e-4)
    np.testing.assert_allclose(reading(spread, belongs, share=1.0), spread, atol=1e-4)  # what a person gave stays
    np.testing.assert_allclose(reading(spread, belongs, border=0.75), evened / 4, atol=1e-4)
    np.testing.assert_allclose(reading(spread, belongs, vividness=0.5, faithful=4.0), (evened + 4) / 2, atol=1e-4)
    np.testing.assert_allclose(reading(spread, belongs, vividness=0.0, faithful=4.0), 4)
