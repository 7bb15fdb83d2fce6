"""The room `training`: photos become a network, and figures say how good it is."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from skimage import color, data, transform

from training import (
    augment,
    bins,
    colorization,
    evaluate,
    fit,
    hints,
    lab,
    metrics,
    networks,
    photos,
    recipe,
    vivid,
)
from training.__main__ import main
from training.networks import article, efficientnet_lite, lumachrome
from training.networks.layers import SpreadHints


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


def test_joined_colours_keep_their_luminance_also_outside_the_gamut():
    rng = np.random.default_rng(0)
    L = ops.cast(rng.uniform(1, 99, (1, 500, 1)), 'float32')
    for spread in (5, 80):
        ab = ops.cast(rng.uniform(-spread, spread, (1, 500, 2)), 'float32')
        joined = lab.joined(L, ab)
        assert np.abs(numpy(lab.rgb_to_lab(joined)[0]) - numpy(L)).max() < 0.1
        clipped, truth = numpy(lab.lab_to_rgb(L, ab)), numpy(joined)
        inside = ((clipped > 0) & (clipped < 1)).all(-1)
        assert inside.any() and np.abs(clipped - truth)[inside].max() < 1e-3


def test_soft_encoding_adds_up_and_its_mean_is_the_colour():
    ab = np.random.default_rng(0).uniform(-30, 30, (200, 2)).astype('float32')
    indices, weights = (numpy(x) for x in bins.encode(ops.convert_to_tensor(ab)))
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    distance = np.linalg.norm(ab[:, None] - bins.BINS, axis=-1)
    assert (np.sort(indices) == np.sort(np.argsort(distance)[:, :5])).mean() > 0.98  # ties may fall either way
    assert np.linalg.norm((weights[..., None] * bins.BINS[indices]).sum(1) - ab, axis=-1).max() < 6


def test_every_colour_is_near_a_bin():
    rgb = np.random.default_rng(0).integers(0, 256, (1, 20000, 3), dtype='uint8')
    ab = color.rgb2lab(rgb)[0, :, 1:]
    nearest = np.sqrt(((ab[:, None] - bins.BINS) ** 2).sum(-1).min(1))
    assert nearest.max() < bins.WIDTH


def test_vivid_point_turns_from_mean_to_rare_colours():
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


def test_hints_are_squares_with_the_mean_colour_and_overlaps_are_averaged():
    ab = np.zeros((1, 64, 64, 2), 'float32')
    ab[:, :, :32] = [40, 0]
    ab[:, :, 32:] = [-20, 30]
    points = np.array([[[0.25, 0.5], [0.75, 0.5], [0.0, 0.0], [0.5, 0.5]]], 'float32')
    squares = hints.squares(ops.convert_to_tensor(points), ops.convert_to_tensor([[6.0, 4.0, 3.0, 0.0]]), 64, 64)
    colours = hints.colours_at(ops.convert_to_tensor(ab), squares)
    assert np.allclose(numpy(colours), [[[40, 0], [-20, 30], [40, 0], [0, 0]]], atol=1e-4)
    drawn = numpy(hints.draw(ops.concatenate([squares, colours], -1), 64, 64))[0]
    assert drawn[..., 2].sum() == 36 + 16 + 9
    assert (drawn[29:35, 13:19] == [40, 0, 1]).all() and (drawn[:3, :3, 2] == 1).all()

    twice = np.array([[[32, 32, 4, 10, 0], [32, 32, 4, 30, 20]]], 'float32')
    drawn = numpy(hints.draw(ops.convert_to_tensor(twice), 64, 64))[0]
    assert np.allclose(drawn[30:34, 30:34], [20, 10, 1]) and drawn[..., 2].sum() == 16


def test_simulated_hints_hold_true_colours_and_some_pictures_have_none():
    ab = np.random.default_rng(0).uniform(-50, 50, (64, 32, 32, 2)).astype('float32')
    given = numpy(hints.simulate(ops.convert_to_tensor(ab), 0.5, keras.random.SeedGenerator(1)))
    there = given[..., 2] > 0
    numbers = there.sum(1)
    assert 0.3 < (numbers == 0).mean() < 0.7
    numbers = numbers[numbers > 0]  # as many below 8 as above, on a logarithmic scale up to 64
    assert 0.25 < (numbers < 8).mean() < 0.75 and numbers.max() > 30
    x, y, side, *colour = given[there][0]
    picture = np.flatnonzero(there.any(1))[0]
    top, left = round(y - side / 2), round(x - side / 2)
    assert np.allclose(ab[picture, top : top + int(side), left : left + int(side)].mean((0, 1)), colour, atol=1e-3)


@pytest.fixture
def spread():
    """A picture of a dark left and a light right half, and what two hints on the left make of it."""
    layer = SpreadHints(stride=4)
    L = np.full((1, 64, 64, 1), 20, 'float32')
    L[:, :, 32:] = 80
    logits, nothing = np.zeros((1, 16, 16, len(bins.BINS)), 'float32'), np.zeros((1, 16, 16, 2), 'float32')
    logits[..., 0] = 3
    silence = np.full((1, 16, 16, 1), -4, 'float32')

    def run(given):
        answer, share = layer(logits, nothing, silence, L, np.array([given], 'float32'))
        return numpy(answer), numpy(share)[0, ..., 0]

    return run


def test_a_hint_reaches_what_is_near_and_like_it(spread):
    answer, share = spread([[28, 32, 6, 40, 20], [50, 10, 0, 0, 0]])
    assert np.allclose(numpy(ops.sum(ops.softmax(answer), -1)), 1, atol=1e-5)
    ab = numpy(bins.mean(ops.convert_to_tensor(answer)))[0]
    assert np.allclose(ab[8, 6], [40, 20], atol=2) and share[8, 6] > 0.95  # where it is
    assert share[8, 4] > 0.8 and share[8, 9] < 0.1  # two cells on, and as far beyond the edge
    assert share[0, 6] < share[4, 6] < share[7, 6]


def test_where_no_hint_is_the_distribution_is_the_networks_own(spread):
    answer, share = spread([[28, 32, 0, 40, 20]])
    assert np.all(share == 0)
    logits = np.zeros(len(bins.BINS))
    logits[0] = 3
    assert np.allclose(np.exp(answer[0, 3, 3]), np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


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
    light = lab.linear(pictures)
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


# Photos


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture
def album(tmp_path):
    """A folder with photos of many kinds, and files that are none."""
    folder = tmp_path / 'album'
    save(folder / 'a.png', data.astronaut()[:200, :300])
    save(folder / 'deep' / 'er' / 'b.jpg', data.coffee()[:, :200])
    save(folder / 'c.webp', data.chelsea()[:90, :280])
    save(folder / 'gray.png', data.camera()[:150, :150])
    save(folder / 'tiny.png', data.astronaut()[:40, :90])
    (folder / 'broken.jpg').write_bytes((folder / 'a.png').read_bytes()[:2000])
    (folder / 'notes.txt').write_text('not a photo')
    return folder


def test_folder_is_read_and_what_is_left_out_is_named(album):
    found = photos.read([album], 96)
    assert sorted(Path(name).name for name in found.names) == ['a.png', 'b.jpg', 'c.webp']
    assert found[0].shape == (96, 96, 3) and found[0].dtype == np.uint8
    reasons = {reason: [Path(n).name for n in names] for reason, names in found.left_out.items()}
    assert reasons == {
        'cannot be decoded': ['broken.jpg'],
        'without colour of its own': ['gray.png'],
        'smaller than 64 pixels': ['tiny.png'],
    }
    assert 'broken.jpg' in photos.report(found)
    # The aspect is kept: the middle of the photo is in the middle of the square
    whole = Image.fromarray(data.astronaut()[:200, 50:250]).resize((96, 96), Image.Resampling.BILINEAR)
    assert np.abs(found[0].astype(int) - np.asarray(whole)).mean() < 2


def test_shards_and_folders_hold_the_same_photos_and_the_cache_gives_them_back(album, tmp_path):
    shard = tmp_path / 'shards' / 'shard.tar'
    shard.parent.mkdir()
    with tarfile.open(shard, 'w') as tar:
        for path in sorted(album.rglob('*.*')):
            tar.add(path, path.name)
    from_folder = photos.read([album], 96)
    from_shard = photos.read([shard], 96, cache=tmp_path / 'cache')
    assert sorted(from_folder.digests) == sorted(from_shard.digests)
    again = photos.read([shard], 96, cache=tmp_path / 'cache')
    assert isinstance(again.pictures, np.memmap) and again.names == from_shard.names
    assert all((again[i] == from_shard[i]).all() for i in range(len(again)))
    both = photos.read([album, shard.parent], 96)
    assert len(both) == 6


def test_a_photo_never_changes_sides_and_copies_stay_together(photo_folder, tmp_path):
    few = photos.read([photo_folder], 64)
    train, validation = photos.split(few, 0.3)
    assert len(train) and len(validation) and len(train) + len(validation) == len(few)
    for i, path in enumerate(sorted(photo_folder.iterdir())):
        (tmp_path / f'copy-{i}{path.suffix}').write_bytes(path.read_bytes())
    save(tmp_path / 'another.png', data.chelsea())
    more_train, more_validation = photos.split(photos.read([photo_folder, tmp_path], 64), 0.3)
    assert set(train.digests) <= set(more_train.digests)
    assert set(validation.digests) <= set(more_validation.digests)
    assert not set(more_train.digests) & set(more_validation.digests)


def test_sources_that_hold_nothing_are_named(tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'a.tar').write_text('no tar')
    for source, words in (
        ('missing', 'does not exist'),
        ('empty', 'holds no photos'),
        ('a.tar', 'not an uncompressed'),
    ):
        with pytest.raises(photos.PhotosError, match=words) as error:
            photos.read([tmp_path / source], 64)
        assert source in str(error.value)


def test_memory_that_would_run_out_is_said_before(album, monkeypatch):
    monkeypatch.setattr(photos.psutil, 'virtual_memory', lambda: type('Memory', (), {'available': 1000}))
    with pytest.raises(photos.PhotosError, match='--cache'):
        photos.read([album], 96)


# Networks


def test_article_is_the_articles():
    network = article.build()
    assert network.count_params() == 32_202
    assert [layer.filters for layer in network.layers if hasattr(layer, 'filters')] == [8, 8, 16, 16, 32, 32, 32, 16, 2]
    assert network.predict_on_batch(np.zeros((1, 16, 24, 1), 'float32')).shape == (1, 16, 24, 2)


@pytest.mark.parametrize('name, stride, channels', [('unet', 4, 2), ('lumachrome', 4, len(bins.BINS))])
def test_networks_keep_their_promises(name, stride, channels):
    network = networks.build(name, encoder_weights='none')
    multiple = networks.module(name).MULTIPLE
    assert network.name == name and network.count_params() < 9.5e6
    L, size = np.zeros((2, multiple, 2 * multiple, 1), 'float32'), (2, multiple // stride, 2 * multiple // stride)
    if len(network.inputs) == 1:
        assert network.predict_on_batch(L).shape == (*size, channels)
    else:
        answer, share = network.predict_on_batch([L, np.zeros((2, 3, 5), 'float32')])
        assert answer.shape == (*size, channels) and share.shape == (*size, 1)


def test_encoder_recognises_a_cat_in_a_gray_photo():
    cat = data.chelsea()[:, 75:375]
    picture = transform.resize(color.rgb2gray(cat), (260, 260), anti_aliasing=True).astype('float32')
    gray = keras.layers.Input((None, None, 1))
    features = efficientnet_lite.encode(gray, lumachrome.VARIANT)
    model = keras.Model(gray, efficientnet_lite.classify(features[32]))
    efficientnet_lite.load_imagenet(model, lumachrome.VARIANT)
    logits = model.predict_on_batch((picture[None, ..., None] * 255 - 127) / 128)[0]
    assert logits.argmax() in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert [features[stride].shape[-1] for stride in (2, 4, 8, 16, 32)] == [16, 24, 48, 120, 352]


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
    with pytest.raises(ValueError, match='no encoder'):
        networks.freeze(networks.build('article'), 3)


def test_kept_weights_come_back(tmp_path):
    network = networks.build('unet')
    network.save(tmp_path / 'best.keras')
    (tmp_path / 'run.json').write_text(json.dumps({'photos_before': 30, 'photos_seen': 12}))
    networks.keep(tmp_path, tmp_path / 'unet.npz')
    assert networks.photos_seen(tmp_path / 'unet.npz') == 42
    again = networks.load(tmp_path / 'unet.npz')
    for ours, theirs in zip(network.get_weights(), again.get_weights(), strict=True):
        assert np.abs(ours - theirs).max() < 1e-3
    assert (tmp_path / 'unet.npz').stat().st_size < 2.2 * network.count_params()


def test_what_is_no_network_is_named(tmp_path):
    (tmp_path / 'x.keras').write_text('no network')
    for path in (tmp_path, tmp_path / 'x.keras', tmp_path / 'none.npz'):
        with pytest.raises(ValueError, match=path.name):
            networks.load(path)


# Figures


def test_figures_of_pictures():
    picture = data.astronaut()[:64, :64]
    assert metrics.psnr(picture, picture) == 50 and metrics.ssim(picture, picture) == pytest.approx(1)
    assert metrics.psnr(picture, np.clip(picture.astype(int) + 10, 0, 255).astype('uint8')) < 29
    assert metrics.ciede2000(picture, picture) == 0
    gray = np.repeat(picture[..., :1], 3, axis=-1)
    assert metrics.colorfulness(gray) == 0
    # Half red, half green: the signed form sees their distance, the absolute one sees none between them
    halves = np.zeros((8, 8, 3), 'uint8')
    halves[:4, :, 0] = halves[4:, :, 1] = 200
    assert metrics.colorfulness(halves) == pytest.approx(200 + 0.3 * 100)
    assert metrics.colorfulness(halves, absolute=True) == pytest.approx(0.3 * np.hypot(200, 100))
    assert metrics.auc(np.array([0.0, 75.0, 150.0, 300.0])) == pytest.approx(0.375)


def test_evaluation_puts_gray_beside_the_model(photo_folder, tmp_path):
    found = photos.read([photo_folder], evaluate.SIDE)
    network = networks.build('lumachrome', encoder_weights='none')
    model = evaluate.NetworkColorizer(network)
    result = evaluate.evaluate(model, found.subset(range(3)), tmp_path / 'out', sweep=True)
    names = [figures['name'] for figures in result['rows']]
    assert names == ['gray', 'faithful', 'vivid']
    assert result['rows'][0]['colorfulness']['mean'] < 1 < result['rows'][0]['colorfulness']['truth']
    assert [h['count'] for h in result['hints']] == list(evaluate.SWEEP)
    assert 'over gray' in evaluate.table(result) and '± ' in evaluate.table(result)
    assert json.loads((tmp_path / 'out' / 'metrics.json').read_text()) == result
    assert Image.open(tmp_path / 'out' / 'sheet.jpg').width > 300
    with pytest.raises(evaluate.EvaluateError, match='no hints'):
        evaluate.evaluate(evaluate.NetworkColorizer(networks.build('article')), found, tmp_path, sweep=True)


def test_hint_points_hold_the_true_colours():
    truth = np.zeros((2, 256, 256, 3), 'uint8')
    truth[0], truth[1] = (200, 30, 30), (30, 30, 200)
    points = evaluate.hint_points(truth, 5)
    assert points.shape == (2, 5, 4)
    assert np.abs(points[0, :, 2:] - color.rgb2lab(truth[:1, :1, :1])[0, 0, 0, 1:]).max() < 0.02
    assert (evaluate.hint_points(truth, 2) == points[:, :2]).all()


# Fitting


SMALL = {'network': 'article', 'loss': 'mse', 'optimizer': 'rmsprop', 'canvas': 64, 'size': 32}
SHORT = {**SMALL, 'batch': 4, 'epoch': 8, 'budget': 24, 'held_out': 0.2}


def weights_of(path):
    return networks.load(path).get_weights()


def test_a_run_learns_and_keeps_what_it_learnt(photo_folder, tmp_path):
    out = tmp_path / 'run'
    settings = {**SHORT, 'epoch': 64, 'budget': 640, 'aged': 0.2}
    flags = [x for name, value in settings.items() for x in (f'--{name.replace("_", "-")}', str(value))]
    main(['fit', '--photos', str(photo_folder), '--out', str(out), *flags])
    facts = json.loads((out / 'run.json').read_text())
    losses = [figures['loss'] for figures in facts['history']]
    assert facts['photos_seen'] == 640 and len(losses) == 10 and losses[-1] < losses[0]
    assert {'val_psnr', 'val_gain', 'val_ab_error', 'val_colorfulness', 'waiting'} <= set(facts['history'][0])
    assert len(list((out / 'sheets').iterdir())) == 10 and list((out / 'log').iterdir())
    assert networks.load(out).name == 'article' and (out / 'last.keras').exists()
    main(['evaluate', '--model', str(out), '--photos', str(photo_folder)])
    assert (out / 'metrics.json').exists()


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(photo_folder, tmp_path, monkeypatch):
    settings = recipe.load(**SHORT)
    train, validation = photos.split(photos.read([photo_folder], 64), 0.2)
    fit.fit(settings, train, validation, tmp_path / 'whole', 'test')

    begin = fit.Run.on_epoch_begin

    def die_in_the_second(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fit.Run, 'on_epoch_begin', die_in_the_second)
        fit.fit(settings, train, validation, tmp_path / 'parts', 'test')
    assert json.loads((tmp_path / 'parts' / 'run.json').read_text())['photos_seen'] == 8
    fit.fit(settings, train, validation, tmp_path / 'parts', 'test')
    for ours, theirs in zip(weights_of(tmp_path / 'whole'), weights_of(tmp_path / 'parts'), strict=True):
        assert np.allclose(ours, theirs, atol=1e-6)
    fit.fit(settings, train, validation, tmp_path / 'parts', 'test')  # nothing left to do
    with pytest.raises(fit.FitError, match='seed'):
        fit.fit(recipe.load(**SHORT, seed=5), train, validation, tmp_path / 'parts', 'test')


def test_fine_tuning_starts_where_another_run_ended(photo_folder, tmp_path):
    train, validation = photos.split(photos.read([photo_folder], 64), 0.2)
    fit.fit(recipe.load(**SHORT), train, validation, tmp_path / 'first', 'test')
    still = recipe.load(**SHORT | {'learning_rate': 1e-12})
    fit.fit(still, train, validation, tmp_path / 'second', 'test', init_from=tmp_path / 'first')
    for ours, theirs in zip(weights_of(tmp_path / 'first'), weights_of(tmp_path / 'second'), strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)
    assert networks.photos_seen(tmp_path / 'second') == 48
    with pytest.raises(fit.FitError, match='called article'):
        other = recipe.load(**SHORT | {'network': 'unet'})
        fit.fit(other, train, validation, tmp_path / 'third', 'test', init_from=tmp_path / 'first')


@pytest.mark.parametrize('loss', recipe.LOSSES)
@pytest.mark.parametrize('distribution', [True, False])
def test_every_loss_is_least_where_the_colours_are_true(loss, distribution):
    if loss == 'bins' and not distribution:
        pytest.skip('one colour has no bins')
    marks = [bins.Distribution()] if distribution else []
    network = keras.Sequential([keras.Input((4, 4, len(bins.BINS) if distribution else 2)), *marks])
    model = colorization.Colorization(network, recipe.Recipe(loss=loss))
    ab = ops.convert_to_tensor([[[[20.0, -30.0], [60.0, 10.0]]]])
    losses = []
    for shift in (0, 5, 20):
        answer = ops.log(bins.spread(ab + shift) + 1e-9) if distribution else ab + shift
        losses.append(float(model.compute_loss(y_pred=(answer, ab))))
    assert losses[0] < losses[1] < losses[2]


def test_bins_are_refused_to_a_network_without_them(photo_folder, tmp_path):
    train, validation = photos.split(photos.read([photo_folder], 64), 0.2)
    with pytest.raises(fit.FitError, match="'huber'"):
        fit.fit(recipe.load(**SHORT | {'loss': 'bins'}), train, validation, tmp_path / 'run', 'test')


def test_a_loss_that_is_no_number_ends_the_run_and_harms_nothing(photo_folder, tmp_path, monkeypatch):
    train, validation = photos.split(photos.read([photo_folder], 64), 0.2)
    loss = colorization.Colorization.compute_loss
    fit.fit(recipe.load(**SHORT | {'budget': 8}), train, validation, tmp_path / 'run', 'test')
    before = (tmp_path / 'run' / 'best.keras').read_bytes()
    monkeypatch.setattr(colorization.Colorization, 'compute_loss', lambda *args: loss(*args) * float('nan'))
    with pytest.raises(fit.FitError, match='learning_rate'):
        fit.fit(recipe.load(**SHORT), train, validation, tmp_path / 'run', 'test')
    assert (tmp_path / 'run' / 'best.keras').read_bytes() == before


def test_too_few_photos_are_an_error_in_words(photo_folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(
            [
                'fit',
                '--photos',
                str(photo_folder),
                '--out',
                str(tmp_path),
                '--canvas',
                '64',
                '--size',
                '64',
                '--batch',
                '99',
            ]
        )
    assert 'fewer than one batch of 99' in str(error.value)


@pytest.mark.parametrize(
    'text, words',
    [
        ('netwrok = "unet"', 'netwrok'),
        ('size = "large"', 'type int'),
        ('size = 100', 'multiples of 16'),
        ('loss = "l2"', "'l2'"),
        ('size = ', 'not valid TOML'),
    ],
)
def test_recipes_that_are_wrong_are_refused(tmp_path, text, words):
    path = tmp_path / 'recipe.toml'
    path.write_text(text)
    with pytest.raises(recipe.RecipeError, match=words):
        recipe.load(path)


def test_shipped_recipes_are_whole():
    for path in Path(recipe.__file__).parent.glob('configs/*.toml'):
        assert recipe.load(path).network == path.stem
    assert recipe.load(path, batch=7).batch == 7


FIT_IN_A_PROCESS_OF_ITS_OWN = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == sys.argv[1] else find(name, *rest)  # not installed, it seems
from training.__main__ import main
from training.networks import efficientnet_lite
efficientnet_lite.STAGES = [(1, *stage[1:]) for stage in efficientnet_lite.STAGES]  # fewer blocks compile sooner
options = '--network lumachrome --encoder-weights none --loss bins --canvas 64 --size 32 --mixed-precision'
short = '--batch 4 --epoch 4 --budget 8'
main(['fit', '--photos', sys.argv[2], '--out', sys.argv[3], *options.split(), *short.split()])
"""


@pytest.mark.parametrize('backend, other', [('tensorflow', 'jax'), ('jax', 'tensorflow')])
def test_each_backend_fits_without_the_other(backend, other, photo_folder, tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', FIT_IN_A_PROCESS_OF_ITS_OWN, other, photo_folder, tmp_path / 'run'],
        env=os.environ | {'KERAS_BACKEND': backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads((tmp_path / 'run' / 'run.json').read_text())
    assert facts['photos_seen'] == 8 and facts['backend'] == backend
    network = networks.load(tmp_path / 'run')  # under this process' backend
    assert all(weight.dtype == 'float32' for weight in network.get_weights())


def test_vivid_point_is_chosen_on_photos_split_off_and_kept_with_the_network(photo_folder, tmp_path, capsys):
    out = tmp_path / 'run'
    settings = {'network': 'lumachrome', 'encoder_weights': 'none', 'loss': 'bins', 'canvas': 64, 'size': 32}
    train, validation = photos.split(photos.read([photo_folder], 64), 0.3)
    fit.fit(recipe.load(**settings, batch=4, epoch=4, budget=4, held_out=0.3), train, validation, out, 'test')
    main(['vivid', str(out), '--photos', str(photo_folder)])
    chosen = json.loads((out / 'vivid.json').read_text())['chosen']
    assert chosen['gain'] in vivid.GAINS
    sharpness, offsets, colours = networks.distribution(networks.load(out)).vivid_point
    assert sharpness != 1 and offsets.any() and np.abs(colours - chosen['gain'] * bins.BINS).max() > 1
    assert 'chosen' in capsys.readouterr().out


def test_choice_of_the_vivid_point():
    points = [
        {'over_gray': g, 'colorfulness': c, 'truth': 40.0} for g, c in ((1.2, 18), (0.9, 33), (0.8, 36), (0.9, 35))
    ]
    assert vivid.choose(points)['colorfulness'] == 35
    assert vivid.choose(points[:1])['colorfulness'] == 18
