"""The distribution over bins and the simulated hints, held to what their sources say rather than to one picture."""

import keras
import numpy as np
import pytest
from keras import ops
from skimage import color

from training import bins, hints


def numpy(x):
    return ops.convert_to_numpy(x)


# Bins


def softmax(x):
    exponents = np.exp(x - x.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def test_bins_are_the_grid_of_ten_units_inside_srgb_that_kept_weights_were_trained_for():
    assert bins.BINS.dtype == np.float32 and bins.BINS.shape == (260, 2)
    assert (bins.BINS % 10 == 0).all() and len(np.unique(bins.BINS, axis=0)) == 260
    rgb = np.random.default_rng(0).integers(0, 256, (1, 50_000, 3), dtype='uint8')
    nearest = np.unique(np.round(color.rgb2lab(rgb)[0, :, 1:] / 10) * 10, axis=0)
    known = {tuple(center) for center in bins.BINS}
    assert {tuple(center) for center in nearest} <= known and len(nearest) > 240  # none is missing, hardly one too many


def test_soft_encoding_is_a_gaussian_of_five_units_around_the_color():
    ab = np.random.default_rng(0).uniform(-60, 60, (3, 7, 2)).astype('float32')
    distance = np.linalg.norm(ab[..., None, :] - bins.BINS, axis=-1)
    expected = softmax(-(distance**2) / (2 * 5.0**2))
    np.testing.assert_allclose(numpy(bins.soft_encode(ops.convert_to_tensor(ab))), expected, atol=1e-5)


def test_a_distribution_is_read_as_its_formula_says():
    rng = np.random.default_rng(0)
    logits, offsets = rng.normal(0, 2, (2, 3, len(bins.BINS))), rng.normal(0, 1, len(bins.BINS))
    colors = rng.normal(0, 30, bins.BINS.shape)
    given = ops.convert_to_tensor(logits.astype('float32'))
    np.testing.assert_allclose(numpy(bins.mean(given)), softmax(logits) @ bins.BINS, atol=1e-3)
    expected = softmax(1.7 * logits + offsets) @ colors
    np.testing.assert_allclose(numpy(bins.vivid(given, 1.7, offsets, colors)), expected, atol=1e-3)


def test_a_network_keeps_its_vivid_point_and_at_first_it_is_the_mean(tmp_path):
    layer = bins.Distribution(name='distribution')
    network = keras.Sequential([keras.Input((None, None, len(bins.BINS))), layer])
    logits = np.random.default_rng(0).normal(0, 2, (1, 2, 2, len(bins.BINS))).astype('float32')
    np.testing.assert_array_equal(numpy(network(logits)), logits)
    assert len(layer.weights) == 3 and not layer.trainable_weights  # training leaves it alone
    np.testing.assert_allclose(numpy(bins.vivid(logits, *layer.vivid_point)), numpy(bins.mean(logits)), atol=1e-4)
    point = (1.5, np.linspace(-2, 2, len(bins.BINS)), 1.2 * bins.BINS)
    layer.read_by(*point)
    assert keras.saving.get_registered_name(bins.Distribution) == 'lumachrome>Distribution'  # as kept files say
    network.save(tmp_path / 'network.keras')
    again = keras.models.load_model(tmp_path / 'network.keras').get_layer('distribution').vivid_point
    for kept, given in zip(again, point, strict=True):
        assert isinstance(kept, np.ndarray)
        np.testing.assert_allclose(kept, given, atol=1e-6)


def test_half_precision_does_not_round_the_vivid_point():
    layer = bins.Distribution(dtype='float16')
    layer.build((1, 1, 1, len(bins.BINS)))
    layer.read_by(1.0001, np.full(len(bins.BINS), 1.0001), bins.BINS)
    inverse_temperature, offsets, _ = layer.vivid_point
    assert inverse_temperature == np.float32(1.0001) and (offsets == np.float32(1.0001)).all()


# Hints


def simulated(shape, without=0.0, seed=1):
    ab = np.random.default_rng(0).uniform(-50, 50, (*shape, 2)).astype('float32')
    return ab, numpy(hints.simulate(ops.convert_to_tensor(ab), without, keras.random.SeedGenerator(seed)))


def test_a_hint_at_the_rim_lies_inside_with_its_whole_square():
    points = np.array([[[0, 0], [1, 1], [0.5, 0.25]]], 'float32')
    placed = numpy(hints.squares(ops.convert_to_tensor(points), ops.convert_to_tensor([[6.0, 4.0, 2.0]]), 40, 80))
    np.testing.assert_allclose(placed, [[[3, 3, 6], [78, 38, 4], [40, 10, 2]]])


def test_every_picture_of_a_batch_gets_its_own_hints():
    _, given = simulated((3, 24, 32))
    together = numpy(hints.draw(ops.convert_to_tensor(given), 24, 32))
    for n in range(3):
        alone = numpy(hints.draw(ops.convert_to_tensor(given[n : n + 1]), 24, 32))
        np.testing.assert_allclose(together[n], alone[0], atol=1e-4)
    assert len(np.unique(together[..., 2].sum((1, 2)))) == 3
    assert (together[together[..., 2] == 0] == 0).all()  # not 0 / 0, of which a network would learn nothing any more


@pytest.mark.parametrize('without', [0.0, 0.2, 1.0])
def test_as_many_pictures_have_no_hint_as_the_recipe_says(without):
    _, given = simulated((2000, 4, 4), without)
    none = (given[..., 2] == 0).all(1).mean()
    assert none == without if without in (0, 1) else abs(none - without) < 0.03


def test_few_hints_are_as_frequent_as_many_on_a_logarithmic_scale():
    """Of the pictures that get hints, log 2 / log 101 get one, and none more than a hundred."""
    _, given = simulated((4000, 4, 4))
    numbers = (given[..., 2] > 0).sum(1)
    assert given.shape == (4000, 100, 5) and numbers.min() == 1 and 95 <= numbers.max() <= 100
    for most in (1, 2, 5, 10, 31, 70):
        assert abs((numbers <= most).mean() - np.log(most + 1) / np.log(101)) < 0.03, most


def test_hints_are_one_to_nine_pixels_wide_at_256():
    _, given = simulated((12, 256, 260))
    sides = given[..., 2][given[..., 2] > 0]
    assert np.unique(sides).tolist() == list(range(1, 10)) and abs(sides.mean() - 5) < 0.5


def test_hints_in_a_small_picture_are_at_least_a_pixel_of_its_true_color():
    ab, given = simulated((60, 16, 24))
    there = given[..., 2] > 0
    assert (given[there][:, 2] == 1).all() and there.any(1).all()
    for n, k in np.argwhere(there)[::9]:  # the square may lie across two pixels: one of them has its middle inside
        x, y = given[n, k, :2].astype(int)
        near = ab[n, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].reshape(-1, 2)
        assert np.abs(near - given[n, k, 3:]).max(-1).min() < 1e-3


def test_hints_gather_around_the_middle_where_faces_are():
    _, given = simulated((400, 32, 64))
    there = given[..., 2] > 0
    for axis, length in ((0, 64), (1, 32)):
        places = given[there][:, axis] / length
        assert abs(places.mean() - 0.5) < 0.02
        assert abs((abs(places - 0.5) < 0.25).mean() - 0.683) < 0.04  # one standard deviation


def test_the_seed_decides_every_hint():
    (_, one), (_, same), (_, other) = (simulated((5, 32, 32), 0.2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
