"""Runs: they learn, go on where they were, and end in words."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from training import checkpoints, colorization, evaluate, fit, networks, photos, recipe, runs
from training.__main__ import main

pytestmark = [pytest.mark.training, pytest.mark.usefixtures('uncompiled')]

SMALL = {'network': 'article', 'loss': 'mse', 'optimizer': 'rmsprop', 'canvas': 64, 'size': 32}
SHORT = {**SMALL, 'batch': 4, 'epoch': 8, 'budget': 24, 'held_out': 0.2}


# All that a run has to remember: AdamW's moments, batch norms, what was dropped, hints, aged photos
TINY = {'network': 'tiny', 'loss': 'bins', 'optimizer': 'adamw', 'aging_prob': 0.5}


@pytest.fixture
def compiled(uncompiled):
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope='module')
def parts(photo_folder):
    """Photos to learn from and photos that judge; to be read, not changed."""
    return photos.split(photos.read([photo_folder], 64), 0.2)


def weights_of(path):
    return checkpoints.load(path).get_weights()


def test_a_run_learns_and_keeps_what_it_learnt(compiled, photo_folder, other_photos, tmp_path):
    out = tmp_path / 'run'
    settings = {**SHORT, 'epoch': 64, 'budget': 320, 'aging_prob': 0.2}
    flags = [x for name, value in settings.items() for x in (f'--{name.replace("_", "-")}', str(value))]
    main(['fit', '--photos', str(photo_folder), '--out', str(out), *flags])
    facts = json.loads((out / 'run.json').read_text())
    losses = [figures['loss'] for figures in facts['history']]
    assert facts['photos_seen'] == 320 and len(losses) == 5 and losses[-1] < losses[0]
    assert {'val_psnr', 'val_gain', 'val_ab_error', 'val_colorfulness', 'waiting'} <= set(facts['history'][0])
    assert len(list((out / 'sheets').iterdir())) == 5 and list((out / 'log').iterdir())
    assert checkpoints.load(out).name == 'article' and (out / 'last.keras').exists()
    main(['evaluate', '--model', str(out), '--photos', str(other_photos)])
    assert (out / 'metrics.json').exists()


def test_photos_that_were_learnt_from_are_not_reported_on(parts, photo_folder, other_photos, tmp_path):
    train, validation = parts
    for name, start in (('first', None), ('second', tmp_path / 'first')):
        fit.fit(recipe.load(**SHORT | {'budget': 8}), train, validation, tmp_path / name, 'test', start)
    model = tmp_path / 'second' / 'last.keras'
    with pytest.raises(SystemExit) as error:
        main(
            [
                'evaluate',
                '--model',
                str(model),
                '--photos',
                str(photo_folder),
                str(other_photos),
                '--out',
                str(tmp_path / 'out'),
            ]
        )
    together = len(photos.read([photo_folder, other_photos], evaluate.SIDE))
    assert f'has learnt from {len(train)} of these {together} photos' in error.value.code
    assert 'name photos that were not given to fit' in error.value.code
    evaluate.check_unseen(model, validation)


def test_all_runs_are_judged_at_one_size(photo_folder, other_photos, tmp_path):
    """Whether the photos that judge are split off or named, and whatever the canvas, only the photos differ."""
    for canvas in (64, 96):
        settings = recipe.load(**SHORT | {'canvas': canvas})
        train, split_off = fit.read_photos([photo_folder], None, settings, None)
        _, named = fit.read_photos([photo_folder], [other_photos], settings, None)
        assert train[0].shape[0] == canvas and split_off[0].shape[0] == named[0].shape[0] == evaluate.SIDE
        expected = photos.split(photos.read([photo_folder], canvas), 0.2)[1]
        assert sorted(split_off.digests) == sorted(expected.digests) and len(train) + len(split_off) == 24


def test_a_run_of_another_version_is_told_in_a_sentence(parts, tmp_path):
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *parts, tmp_path / 'run', 'test')
    facts = json.loads((tmp_path / 'run' / 'run.json').read_text())
    facts['config']['aged'] = facts['config'].pop('aging_prob')
    (tmp_path / 'run' / 'run.json').write_text(json.dumps(facts))
    with pytest.raises(runs.FitError, match='another version of this program'):
        fit.fit(recipe.load(**SHORT), *parts, tmp_path / 'run', 'test')


@pytest.mark.parametrize(
    ('more', 'is_compiled'),
    # Compiled, each of the five runs is traced anew, for half a minute in all
    [pytest.param({}, True, marks=pytest.mark.slow), (TINY, False), pytest.param(TINY, True, marks=pytest.mark.slow)],
    ids=['article', 'tiny-uncompiled', 'tiny'],
)
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    more, is_compiled, tiny, parts, tmp_path, monkeypatch, capsys
):
    tf.config.run_functions_eagerly(not is_compiled)
    settings = recipe.load(**SHORT | more)
    train, validation = parts
    fit.fit(settings, train, validation, tmp_path / 'whole', 'test')

    def die_in(epoch, owner, name):
        """Interrupt the run where a function is done with an epoch (the first is 0)."""
        done, left = getattr(owner, name), [epoch]

        def die(*args, **options):
            done(*args, **options)
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(owner, name, die)
            fit.fit(settings, train, validation, tmp_path / 'parts', 'test')

    die_in(0, runs, 'write_state')  # the first epoch is done, and not yet kept
    assert not (tmp_path / 'parts' / 'state.npz').exists()
    die_in(1, fit.Run, 'on_epoch_begin')
    assert json.loads((tmp_path / 'parts' / 'run.json').read_text())['photos_seen'] == 8
    die_in(0, runs, 'write_json')  # run.json is an epoch ahead
    fit.fit(settings, train, validation, tmp_path / 'parts', 'test')
    for ours, theirs in zip(weights_of(tmp_path / 'whole'), weights_of(tmp_path / 'parts'), strict=True):
        assert np.array_equal(ours, theirs)
    seen = [row['photos_seen'] for row in json.loads((tmp_path / 'parts' / 'run.json').read_text())['history']]
    assert seen == [8, 16, 24]
    fit.fit(settings, train, validation, tmp_path / 'parts', 'test')  # nothing left to do
    assert 'raise --budget' in capsys.readouterr().out
    with pytest.raises(runs.FitError, match='seed'):
        fit.fit(recipe.load(**SHORT | more, seed=5), train, validation, tmp_path / 'parts', 'test')


def test_fine_tuning_starts_where_another_run_ended(parts, tmp_path):
    train, validation = parts
    fit.fit(recipe.load(**SHORT | {'budget': 8}), train, validation, tmp_path / 'first', 'test')
    still = recipe.load(**SHORT | {'learning_rate': 1e-12, 'budget': 16})
    fit.fit(still, train, validation, tmp_path / 'second', 'test', init_from=tmp_path / 'first')
    for ours, theirs in zip(weights_of(tmp_path / 'first'), weights_of(tmp_path / 'second'), strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)
    assert checkpoints.photos_seen(tmp_path / 'second') == 24
    with pytest.raises(runs.FitError, match='called article'):
        other = recipe.load(**SHORT | {'network': 'unet'})
        fit.fit(other, train, validation, tmp_path / 'third', 'test', init_from=tmp_path / 'first')


def test_photos_that_were_learnt_from_do_not_judge(photo_folder, tmp_path):
    found = photos.read([photo_folder], 64)
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *photos.split(found, 0.2), tmp_path / 'first', 'test')
    more = recipe.load(**SHORT | {'held_out': 0.5})
    with pytest.raises(runs.FitError, match=r'validation photos have been learnt from before, by .*first'):
        fit.fit(more, *photos.split(found, 0.5), tmp_path / 'second', 'test', init_from=tmp_path / 'first')
    fewer = recipe.load(**SHORT | {'budget': 8})
    fit.fit(fewer, *photos.split(found, 0.2), tmp_path / 'second', 'test', init_from=tmp_path / 'first')
    with pytest.raises(runs.FitError, match='learnt from'):  # nor those that the run before learnt from alone
        train, validation = photos.split(found, 0.2)
        fit.fit(fewer, validation, train, tmp_path / 'third', 'test', init_from=tmp_path / 'second' / 'best.keras')


def test_named_photos_judge_a_run_and_are_not_learnt_from(photo_folder, tmp_path, capsys):
    judges = tmp_path / 'judges'
    judges.mkdir()
    for path in sorted(photo_folder.iterdir())[:6]:
        shutil.copy(path, judges)
    settings = SHORT | {'budget': 8}
    flags = [x for name, value in settings.items() for x in (f'--{name.replace("_", "-")}', str(value))]
    out = tmp_path / 'run'
    main(['fit', '--photos', str(photo_folder), '--validation', str(judges), '--out', str(out), *flags])
    judged = photos.read([judges], 64)
    learnt = checkpoints.learnt_by(out)
    assert not np.isin(checkpoints.numbers(judged), learnt).any() and len(learnt) == 18
    assert 'validation: 6 photos' in capsys.readouterr().out


def test_what_is_said_of_a_network_is_said_of_that_network(parts, tmp_path, monkeypatch, capsys):
    settings = recipe.load(**SHORT | {'budget': 8})
    out = tmp_path / 'run'
    quick_row = evaluate.quick_row
    scores = iter((20.0, 21.0, 19.0))
    monkeypatch.setattr(evaluate, 'quick_row', lambda *args: quick_row(*args) | {'psnr': next(scores)})
    fit.fit(settings, *parts, out, 'test')
    for name in runs.OF_BEST:
        (out / name).write_text('{}')
    assert checkpoints.photos_seen(out) == 8
    fit.fit(recipe.load(**SHORT | {'budget': 16}), *parts, out, 'test')
    assert not any((out / name).exists() for name in runs.OF_BEST)
    assert 'metrics.json and vivid.json' in capsys.readouterr().out
    (out / 'metrics.json').write_text('{}')
    fit.fit(recipe.load(**SHORT | {'budget': 24}), *parts, out, 'test')  # no better
    assert (out / 'metrics.json').exists()
    assert [checkpoints.photos_seen(out / name) for name in ('best.keras', 'last.keras', '')] == [16, 24, 16]


def test_figures_at_another_render_size_are_not_the_runs_own(parts, other_photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *parts, tmp_path / 'mine', 'test')
    for model, more in (('mine', ['--render-size', '64']), ('mine/last.keras', [])):
        main(['evaluate', '--model', model, '--photos', str(other_photos), *more])
    assert not (tmp_path / 'mine' / 'metrics.json').exists()
    written = {path.parent.name for path in tmp_path.glob('runs/*/metrics.json')}
    assert written == {'evaluated-mine', 'evaluated-mine-last'}


def test_a_folder_is_one_process_alone(parts, tmp_path):
    with runs.alone(tmp_path / 'run'), pytest.raises(runs.FitError, match=r'Another process is at work in .*run'):
        fit.fit(recipe.load(**SHORT), *parts, tmp_path / 'run', 'test')
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *parts, tmp_path / 'run', 'test')


def test_a_network_without_its_state_is_not_written_over(parts, tmp_path):
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *parts, tmp_path / 'run', 'test')
    (tmp_path / 'run' / 'state.npz').unlink()
    kept = (tmp_path / 'run' / 'best.keras').read_bytes()
    with pytest.raises(runs.FitError, match=r'state\.npz'):
        fit.fit(recipe.load(**SHORT), *parts, tmp_path / 'run', 'test')
    assert (tmp_path / 'run' / 'best.keras').read_bytes() == kept


@pytest.mark.parametrize('change', ['more', 'larger'])
def test_the_state_of_another_version_is_refused_in_words(change, parts, tmp_path):
    fit.fit(recipe.load(**SHORT | {'budget': 8}), *parts, tmp_path / 'run', 'test')
    with np.load(tmp_path / 'run' / 'state.npz') as state:
        values = dict(state)
    if change == 'more':
        values['arr_999'] = values['arr_0']
    else:
        values['arr_3'] = np.zeros((7, 7))
    np.savez(tmp_path / 'run' / 'state.npz', **values)
    with pytest.raises(runs.FitError, match='another network'):
        fit.fit(recipe.load(**SHORT), *parts, tmp_path / 'run', 'test')


def test_minutes_end_a_run_annealed_and_before_its_time(compiled, parts, tmp_path, monkeypatch, capsys):
    now, rates = [0.0], []
    monkeypatch.setattr(fit.time, 'monotonic', lambda: now[0])
    colorize, step_ends = evaluate.NetworkColorizer.colorize, fit.Run.on_train_batch_end

    def a_minute_passes(self, batch, logs=None):
        now[0] += 60
        rates.append(float(self.model.optimizer.learning_rate))
        step_ends(self, batch, logs)

    def two_minutes_pass(*args):
        now[0] += 120
        return colorize(*args)

    monkeypatch.setattr(fit.Run, 'on_train_batch_end', a_minute_passes)
    monkeypatch.setattr(evaluate.NetworkColorizer, 'colorize', two_minutes_pass)
    settings = recipe.load(**SHORT | {'epoch': 64, 'budget': 10**6, 'minutes': 40.0})
    fit.fit(settings, *parts, tmp_path / 'run', 'test')
    facts = json.loads((tmp_path / 'run' / 'run.json').read_text())
    assert len(rates) == 34 and facts['photos_seen'] == 136  # 16 steps, judged, 16 steps, judged, 2 steps, judged
    assert now[0] == 40 * 60
    assert max(rates) > 0.9 * settings.learning_rate and rates[-1] < 0.1 * settings.learning_rate
    fit.fit(settings, *parts, tmp_path / 'run', 'test')
    assert 'raise --minutes' in capsys.readouterr().out


def test_a_run_that_starts_from_another_sees_photos_in_another_order(photo_folder):
    train = photos.read([photo_folder], 64)
    first, again, later = (fit.Batches(train, recipe.load(**SHORT), 0, before) for before in (0, 0, 24))
    assert (first.batch(3) == again.batch(3)).all() and (first._order(0) == again._order(0)).all()
    assert (first.batch(3) != later.batch(3)).any() and (first._order(0) != later._order(0)).any()


def test_bins_are_refused_to_a_network_without_them(parts, tmp_path):
    train, validation = parts
    with pytest.raises(runs.FitError, match="'huber'"):
        fit.fit(recipe.load(**SHORT | {'loss': 'bins'}), train, validation, tmp_path / 'run', 'test')


def test_a_loss_that_is_no_number_ends_the_run_and_harms_nothing(parts, tmp_path, monkeypatch):
    train, validation = parts
    loss = colorization.Colorization.compute_loss
    fit.fit(recipe.load(**SHORT | {'budget': 8}), train, validation, tmp_path / 'run', 'test')
    before = {name: (tmp_path / 'run' / name).read_bytes() for name in ('best.keras', 'last.keras', 'state.npz')}
    monkeypatch.setattr(colorization.Colorization, 'compute_loss', lambda *args: loss(*args) * float('nan'))
    with pytest.raises(runs.FitError, match='learning_rate'):
        fit.fit(recipe.load(**SHORT), train, validation, tmp_path / 'run', 'test')
    assert {name: (tmp_path / 'run' / name).read_bytes() for name in before} == before


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    model = colorization.Colorization(networks.build('article'), recipe.load(**SMALL))
    model.compile(optimizer='sgd', loss=None)
    facts = dict.fromkeys(runs.REACHED, 0)
    runs.write_state(model, facts, tmp_path / 'state.npz')
    (tmp_path / 'state.npz').unlink()
    model.network.trainable_variables[0].assign(model.network.trainable_variables[0] * np.inf)
    with pytest.raises(runs.FitError, match='learning_rate'):
        runs.write_state(model, facts, tmp_path / 'state.npz')
    assert not (tmp_path / 'state.npz').exists()


FIT_IN_A_PROCESS_OF_ITS_OWN = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == sys.argv[1] else find(name, *rest)  # not installed, it seems
from training.__main__ import main
from training.networks import efficientnet_lite
efficientnet_lite.STAGES = [(1, *stage[1:]) for stage in efficientnet_lite.STAGES]  # fewer blocks compile sooner
options = '--network lumachrome --encoder-weights none --loss bins --canvas 64 --size 32 --mixed-precision'
short = '--batch 4 --epoch 4 --budget 8 --held-out 0.3 --psnr-weight 0.1'
main(['fit', '--photos', sys.argv[2], '--out', sys.argv[3], *options.split(), *short.split()])
"""


@pytest.mark.slow  # minutes each: the whole network, fitted where the other backend cannot be imported
@pytest.mark.parametrize('backend, other', [('tensorflow', 'jax'), ('jax', 'tensorflow')])
def test_each_backend_fits_without_the_other(backend, other, photo_folder, tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', FIT_IN_A_PROCESS_OF_ITS_OWN, other, photo_folder, tmp_path / 'run'],
        env=os.environ | {'KERAS_BACKEND': backend, 'JAX_DISABLE_MOST_OPTIMIZATIONS': 'true'},  # it compiles sooner
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads((tmp_path / 'run' / 'run.json').read_text())
    assert facts['photos_seen'] == 8 and facts['backend'] == backend
    network = checkpoints.load(tmp_path / 'run')  # under this process' backend
    assert all(weight.dtype == 'float32' for weight in network.get_weights())
