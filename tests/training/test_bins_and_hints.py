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
    assert (
        given.shape == (4000, 100, hints.COLUMNS)
        and (given[..., 5] == 1).all()
        and numbers.min() == 1
        and 95 <= numbers.max() <= 100
    )
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
        assert np.abs(near - given[n, k, 3:5]).max(-1).min() < 1e-3


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


# Things in another colour


def two_cards(n=8):
    """Two green cards on gray, and a hint on the left one: L, ab and hints of n pictures that are alike."""
    rgb = np.full((64, 64, 3), 0.5, 'float32')
    rgb[16:48, 8:28] = rgb[16:48, 36:56] = (0.2, 0.6, 0.25)
    Lab = np.tile(color.rgb2lab(rgb).astype('float32'), (n, 1, 1, 1))
    given = np.ones((n, 3, hints.COLUMNS), 'float32')
    given[:, 2, 2] = 0
    given[:, 0, :3], given[:, 1, :3] = (18, 32, 2), (46, 32, 2)
    L, ab = Lab[..., :1], Lab[..., 1:]
    return L, ab, np.concatenate([given[..., :3], numpy(hints.colors_at(ab, given)), given[..., 5:]], axis=-1)


def recolored(L, ab, given, share=1.0, seed=0):
    tensors = map(ops.convert_to_tensor, (L, ab, given))
    return map(numpy, hints.recolor(*tensors, share, keras.random.SeedGenerator(seed)))


def test_a_thing_gets_another_color_to_its_edges_and_its_like_beside_it_none():
    L, ab, given = two_cards()
    others, _ = recolored(L, ab, given)
    change = np.linalg.norm(others - ab, axis=-1)
    assert np.median(change[:, 20:44, 12:24].min((1, 2))) > 15  # the card under the first hint
    assert change[:, :, 32:].max() < 0.1 and change[:, :12].max() < 0.1 and change[:, 52:].max() < 0.1
    spread = others[:, 20:44, 12:24].std((1, 2))
    assert spread.max() < 0.5 and np.ptp(others[:, 32, 18], axis=0).min() > 20  # one colour a thing, its own each time


def test_the_new_colors_exist_at_that_lightness_and_are_what_the_hints_tell():
    L, ab, given = two_cards()
    others, told = recolored(L, ab, given)
    back = color.rgb2lab(color.lab2rgb(np.concatenate([L, others], axis=-1)))[..., 1:]
    assert np.abs(back - others).max() < 0.1
    np.testing.assert_array_equal(told[..., :3], given[..., :3])
    np.testing.assert_allclose(told[:, 0, 3:5], others[:, 32, 18], atol=0.1)
    np.testing.assert_allclose(told[:, 1, 3:5], ab[:, 32, 46], atol=0.1)


def test_as_many_things_are_recolored_as_the_recipe_says_and_none_without_a_hint():
    L, ab, given = two_cards(300)
    given[::3] = 0
    others, _ = recolored(L, ab, given, share=0.4)
    changed = np.abs(others - ab).max((1, 2, 3)) > 1
    assert not changed[::3].any() and 0.3 < changed[1::3].mean() < 0.5


def test_a_part_of_a_smooth_sky_is_no_thing():
    L = np.tile(np.linspace(40, 90, 64, dtype='float32')[None, :, None, None], (8, 1, 64, 1))
    ab = np.tile(np.float32([-5, -25]), (8, 64, 64, 1))
    given = np.tile(np.float32([32, 32, 3, -5, -25]), (8, 1, 1))
    others, _ = recolored(L, ab, given)
    np.testing.assert_array_equal(others, ab)
