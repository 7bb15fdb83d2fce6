"""The finish against a critic: who learns from what, and when it ends."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from training import adversarial, checkpoints, fit, networks, photos, recipe
from training.__main__ import main
from training.colorizers import to_gray

pytestmark = [pytest.mark.training, pytest.mark.usefixtures('uncompiled')]

SMALL = {'network': 'article', 'loss': 'huber', 'canvas': 64, 'size': 32, 'batch': 4, 'epoch': 8, 'held_out': 0.2}
FINISH = SMALL | {'finish': 'adversarial', 'budget': 24, 'learning_rate': 1e-3}


@pytest.fixture(scope='module')
def parts(photo_folder):
    return photos.split(photos.read([photo_folder], 64), 0.2)


def gradients(model, pictures, seed=3):
    """Of the loss, by the network's and by the critic's weights."""
    model.random.state.assign(keras.random.SeedGenerator(seed).state)
    with tf.GradientTape() as tape:
        total = model.compute_loss(y_pred=model(pictures, training=True))
    ours = model.network.trainable_variables
    theirs = model.critic.trainable_variables if model.critic else []
    found = [g.numpy() for g in tape.gradient(total, [*ours, *theirs])]
    return found[: len(ours)], found[len(ours) :]


def test_network_and_critic_learn_each_from_its_own_part_of_the_loss(parts):
    pictures = parts[0].stacked()[:4]
    network = networks.build('article')
    settings = recipe.load(**FINISH)
    model, plain = adversarial.Adversarial(network, settings), adversarial.Colorization(network, settings)
    settings.adversarial_weight = 1e-12
    unmoved, theirs = gradients(model, pictures)
    for ours, expected in zip(unmoved, gradients(plain, pictures)[0], strict=True):
        assert np.allclose(ours, expected, atol=1e-9)  # how well the critic tells is nothing to the network
    assert all(np.abs(gradient).max() > 0 for gradient in theirs)
    settings.adversarial_weight = 1.0
    moved, same = gradients(model, pictures)
    assert any(not np.allclose(a, b, atol=1e-6) for a, b in zip(moved, unmoved, strict=True))
    assert all(np.allclose(a, b) for a, b in zip(same, theirs, strict=True))  # nor is its disguise to the critic


def test_a_critic_learns_to_tell(parts):
    keras.utils.set_random_seed(3)  # some start further from the truth than fifteen steps go
    settings = recipe.load(**FINISH | {'learning_rate': 2e-3})
    model = adversarial.Adversarial(networks.build('article'), settings)
    model.network.trainable = False
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=None)
    pictures = parts[0].stacked()[:8, ::2, ::2]
    for _ in range(15):
        model.train_on_batch(pictures, np.zeros(8))
    said = model.judged(model(pictures))
    true, made = (np.concatenate([said['L'] / 50 - 1, ab / 110], -1) for ab in (said['ab'], said['colors']))
    assert model.critic.predict(true, verbose=0).mean() > model.critic.predict(made, verbose=0).mean() + 0.1


def test_the_watch_ends_what_goes_wrong(parts):
    truth = parts[0].stacked()[:6]
    half = np.round((truth.astype(float) + to_gray(truth)) / 2).astype('uint8')
    watch = adversarial.Watch(truth, half)
    assert watch.figures(truth) == {'colorful_share': 1.0, 'uneven_share': 1.0}
    row = {'psnr': 22.0, **watch.figures(half)}
    assert 0.3 < row['colorful_share'] < 0.7 and not watch.ends(row, [22.0])
    assert 'more colourful than life' in watch.ends(row | {'colorful_share': 1.01}, [22.0])
    assert 'uneven' in watch.ends(row | {'uneven_share': 1.2 * row['uneven_share']}, [22.0])
    more = {'colorful_share': 1.2 * row['colorful_share'], 'uneven_share': 1.2 * row['uneven_share']}
    assert not watch.ends(more, [22.0]) and watch.worth(row | more) > watch.worth(row)
    assert not watch.ends(row, [22, 23, 22, 22]) and 'no better' in watch.ends(row, [22, 23, 22, 22, 22])


def test_a_finish_starts_from_what_was_learnt_and_goes_on(parts, photo_folder, tmp_path, monkeypatch):
    fit.fit(recipe.load(**SMALL | {'budget': 8}), *parts, tmp_path / 'plain', 'test')
    settings, start = recipe.load(**FINISH), tmp_path / 'plain'
    monkeypatch.setattr(adversarial.Watch, 'ends', lambda *_: '')  # after a few steps colours are what they are
    load, loaded = checkpoints.load, []
    monkeypatch.setattr(checkpoints, 'load', lambda source: loaded.append(source) or load(source))
    fit.fit(settings, *parts, tmp_path / 'whole', 'test', start)
    assert loaded == [start]  # once, for its weights and for its colours
    history = json.loads((tmp_path / 'whole' / 'run.json').read_text())['history']
    assert all({'val_worth', 'val_uneven_share', 'val_colorful_share'} <= row.keys() for row in history)
    began, done = fit.Run.on_epoch_begin, []

    def die(self, epoch, logs=None):
        done.append(epoch)
        if done == [0, 1]:
            raise KeyboardInterrupt
        began(self, epoch, logs)

    monkeypatch.setattr(fit.Run, 'on_epoch_begin', die)
    with pytest.raises(KeyboardInterrupt):
        fit.fit(settings, *parts, tmp_path / 'parts', 'test', start)
    fit.fit(settings, *parts, tmp_path / 'parts', 'test', start)
    whole, again = (checkpoints.load(tmp_path / name / 'last.keras').get_weights() for name in ('whole', 'parts'))
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))


def test_what_is_too_uneven_is_not_the_best_and_ends_the_run(parts, tmp_path, monkeypatch, capsys):
    fit.fit(recipe.load(**SMALL | {'budget': 8}), *parts, tmp_path / 'plain', 'test')
    worths, uneven = iter((20.0, 30.0)), iter((1.0, 1.0, 9.0))  # the first unevenness is the start's
    monkeypatch.setattr(adversarial.Watch, 'worth', lambda *_: next(worths))
    shares = {'colorful_share': 0.5}
    monkeypatch.setattr(adversarial.Watch, 'figures', lambda *_: shares | {'uneven_share': next(uneven)})
    fit.fit(recipe.load(**FINISH), *parts, tmp_path / 'run', 'test', tmp_path / 'plain')
    facts = json.loads((tmp_path / 'run' / 'run.json').read_text())
    assert facts['photos_seen'] == 16 and facts['best_photos_seen'] == 8
    assert 'more uneven' in capsys.readouterr().out


def test_a_finish_without_a_beginning_is_refused(photo_folder, tmp_path):
    flags = [x for name, value in FINISH.items() for x in (f'--{name.replace("_", "-")}', str(value))]
    with pytest.raises(SystemExit) as error:
        main(['fit', '--photos', str(photo_folder), '--out', str(tmp_path / 'run'), *flags])
    assert '--init-from' in error.value.code
    with pytest.raises(recipe.RecipeError, match='counts only with finish'):
        recipe.load(adversarial_weight=0.5)
