"""What age looks like: learnt again where it is known, kept, applied in training, and refused in words."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops, random
from PIL import Image
from skimage import color, data, filters

from training import age, aging, colorization, cyclegan, networks, recipe
from training.__main__ import main

pytestmark = pytest.mark.training


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """A folder of 16 gray photos of 140 x 150 pixels and one of 17 in colour, none of them in both."""
    made = tmp_path_factory.mktemp('aging')
    for name, picture, count in (('old', data.camera(), 16), ('clean', data.astronaut(), 17)):
        (made / name).mkdir()
        for i in range(count):
            Image.fromarray(picture[20 * i : 20 * i + 140, 20 * i : 20 * i + 150]).save(made / name / f'{i:02}.png')
    return made


def command(folders, out, **more):
    given = {'old': folders / 'old', 'clean': folders / 'clean', 'out': out} | more
    main(['age', *(str(x) for name, value in given.items() for x in (f'--{name}', value))])


def test_networks_begin_as_what_changes_nothing():
    L = np.random.default_rng(0).uniform(0, 100, (2, 34, 50, 1)).astype('float32')
    ager, cleaner = aging.build_generator(True), aging.build_generator(False)
    assert np.array_equal(ager([L, L]), L) and np.array_equal(cleaner(L), L)


def test_critics_are_shown_what_was_made_before():
    pool = cyclegan.Pool(4, 2, random.SeedGenerator(0))
    shown = []
    for step in range(200):
        made = np.full((4, 2, 2, 1), 4 * step, 'float32') + np.arange(4, dtype='float32')[:, None, None, None]
        shown.append(ops.convert_to_numpy(pool(made))[:, 0, 0, 0].astype(int))
    assert np.array_equal(np.ravel(shown[:12]), np.arange(48))
    earlier = np.concatenate([numbers[numbers // 4 < step] for step, numbers in enumerate(shown)])
    assert 0.4 < len(earlier) / (4 * 188) < 0.6
    assert len(np.unique(earlier)) == len(earlier)  # what was shown again has made room


def test_networks_and_critics_learn_each_from_their_own_part_of_the_loss():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 2), 'uint8')
    model = cyclegan.Aging(2, 16, 4)
    model.ager.set_weights([w + 0.01 for w in model.ager.get_weights()])  # else nothing but the last layer learns
    model.cleaner.set_weights([w + 0.01 for w in model.cleaner.get_weights()])
    with tf.GradientTape(persistent=True) as tape:
        said = model(pictures)
        total = model.compute_loss(y_pred=said)
        own = {name: L / 50 - 1 for name, L in said.items()}
        passes = ops.mean((model.knows_prints(cyclegan.seen(own['aged'])) - 1) ** 2)
        passes += ops.mean((model.knows_clean(cyclegan.seen(own['cleaned'])) - 1) ** 2)
        for again, first in (('clean_again', 'clean'), ('old_again', 'old')):
            far = ops.mean(ops.abs(ops.average_pool(own[again] - own[first], cyclegan.GRAIN)))
            passes += cyclegan.CYCLE * far
        tells = 0.0
        for critic, true, made in ((model.knows_prints, 'old', 'aged'), (model.knows_clean, 'clean', 'cleaned')):
            tells += (
                ops.mean((critic(cyclegan.seen(own[true])) - 1) ** 2) + ops.mean(critic(cyclegan.seen(own[made])) ** 2)
            ) / 2
    networks_weights = [*model.ager.trainable_variables, *model.cleaner.trainable_variables]
    critics_weights = [*model.knows_prints.trainable_variables, *model.knows_clean.trainable_variables]
    for weights, part in ((networks_weights, passes), (critics_weights, tells)):
        for found, expected in zip(tape.gradient(total, weights), tape.gradient(part, weights), strict=True):
            assert np.abs(found).max() > 0 and np.allclose(found, expected, atol=1e-6)


@pytest.mark.slow  # it learns for most of a minute
def test_a_known_way_of_ageing_is_found_again(tmp_path):
    """Blacks at 25, whites at 80 and a grain of 4, seen on strips of four photos, are found on a fifth."""
    rng = np.random.default_rng(0)

    def tone(L):
        return 25 + 0.55 * L

    photos = [color.rgb2lab(made())[..., 0] for made in (data.astronaut, data.chelsea, data.coffee, data.rocket)]
    strips = [L[:, x : x + 96] for L in photos for x in range(0, L.shape[1] - 95, 96)]
    clean, old = strips[::2], [tone(L) + rng.normal(0, 4, L.shape) for L in strips[1::2]]
    as_read = [[np.round(2.55 * L).astype('uint8') for L in kind] for kind in (old, clean)]
    age.learn(*as_read, tmp_path, budget=4000, size=64, filters=8)
    ager = aging.load(tmp_path)

    def aged(L):
        tensor = ops.convert_to_tensor(L[None, ..., None].astype('float32'))
        return ops.convert_to_numpy(aging.aged(tensor, ager, 1.0, random.SeedGenerator(1)))[0, ..., 0]

    def off_tone(L, ours):
        """How far the mean curve is from the true one, over the tones that the photo has."""
        bins = [np.floor(L / 10) == ten for ten in range(10)]
        return np.mean([abs(ours[b].mean() - tone(L[b].mean())) for b in bins if b.mean() > 0.01])

    def same(photo, ours):
        """How much of the detail is the photo's, 0 to 1; grain is not."""
        detail = [(L - filters.gaussian(L, 3)).ravel() for L in (photo, ours)]
        return np.corrcoef(*detail)[0, 1]

    photo = data.camera() / 2.55
    ours, truth = aged(photo), tone(photo) + rng.normal(0, 4, photo.shape)
    grain = [np.std(aged(np.full((96, 96), level))[8:-8, 8:-8]) for level in (30, 50, 70)]
    print(f'tone off by {off_tone(photo, ours):.1f}, unaged {off_tone(photo, photo):.1f}; grain {np.round(grain, 1)}')
    assert off_tone(photo, photo) > 8 and off_tone(photo, ours) < 4
    assert all(2 < sigma < 8 for sigma in grain)
    assert same(photo, ours) > 0.9 * same(photo, truth)


def test_a_run_keeps_an_ager_that_fit_takes(uncompiled, folders, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(age, 'WARM', 16)
    command(folders, tmp_path / 'age', budget=24)
    said = capsys.readouterr().out
    assert '16 photos, of which lightness alone is read' in said and 'No accelerator: about' in said
    sheet = Image.open(tmp_path / 'age' / 'sheets' / '000024.png')
    assert sheet.mode == 'L' and sheet.width > 6 * 140
    with pytest.raises(SystemExit, match='take another --out'):
        command(folders, tmp_path / 'age', budget=8)
    settings = recipe.load(network='unet', aging_prob=1.0, aged_by=str(tmp_path / 'age'))
    model = colorization.Colorization(networks.build('unet'), settings)
    seen = []
    model.network.call = lambda L, **_: seen.append(ops.convert_to_numpy(L)) or L[:, ::4, ::4]
    pictures = np.full((2, 32, 32, 3), 119, 'uint8')  # L is 50
    plain = aging.aged(ops.full((2, 32, 32, 1), 50.0), model.ager, 0.0, model.random)
    model(pictures)
    assert np.allclose(plain, 50) and np.ptp(seen[0]) > 0.01 and not np.allclose(seen[0][0], seen[0][1])
    assert not {id(v) for v in model.trainable_variables} & {id(v) for v in model.ager.variables}


def test_what_cannot_be_learnt_from_is_told(folders, tmp_path):
    few = tmp_path / 'few'
    few.mkdir()
    for i in range(3):
        Image.fromarray(data.camera()[:140, i : i + 140]).save(few / f'{i}.png')
    Image.fromarray(data.camera()[:100, :100]).save(few / 'small.png')
    (few / 'damaged.jpg').write_bytes(b'no photo')
    with pytest.raises(SystemExit) as error:
        command(folders, tmp_path / 'run', old=few)
    assert str(few) in error.value.code and 'too few photos (3, 1 left out' in error.value.code
    assert 'name at least 16' in error.value.code
    for wrong, words in (
        ({'old': tmp_path / 'nowhere'}, 'nowhere does not exist'),
        ({'old': folders / 'clean'}, 'given as --old and as --clean'),
        ({'budget': 0}, '--budget = 0'),
        ({'minutes': -1}, '--minutes = -1: it must not be below 0'),
    ):
        with pytest.raises(SystemExit, match=words):
            command(folders, tmp_path / 'run', **wrong)


def test_gray_scans_of_16_bits_are_read_as_what_they_are(tmp_path):
    for i in range(16):
        level = np.linspace(0, 65535, 150 * (140 + i)).reshape(-1, 150).astype('uint16')
        Image.fromarray(level).save(tmp_path / f'{i:02}.tif')
    L = age.read([tmp_path])[0]
    assert L.shape == (140, 150) and L[0, 0] == 0 and L[-1, -1] == 255 and 120 < np.median(L) < 150


def test_fit_says_what_an_ager_needs(tmp_path):
    with pytest.raises(recipe.RecipeError, match='counts only with aging_prob above 0'):
        recipe.load(aged_by='runs/age')
    settings = recipe.load(network='unet', aging_prob=0.5, aged_by=str(tmp_path / 'nowhere'))
    with pytest.raises(aging.AgingError, match='nowhere does not exist: name the folder of a run'):
        colorization.Colorization(networks.build('unet'), settings)


def test_a_network_that_does_not_age_is_refused(tmp_path):
    aging.build_generator(False).save(tmp_path / aging.NAME)
    with pytest.raises(aging.AgingError, match="called 'cleaner'"):
        aging.load(tmp_path)
    (tmp_path / aging.NAME).write_bytes(b'nothing')
    with pytest.raises(aging.AgingError, match='cannot be read'):
        aging.load(tmp_path / aging.NAME)
