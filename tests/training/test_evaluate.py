"""The figures that say how good a network is."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import color, data

from export import files, inspection
from training import checkpoints, colorization, colorizers, evaluate, learnt, metrics, networks, photos, runs, tables
from training.__main__ import main

ROOT = Path(__file__).parents[2]


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


@pytest.mark.training
def test_evaluation_puts_gray_beside_the_model(tiny, photo_folder, tmp_path):
    found = photos.read([photo_folder], evaluate.SIDE)
    model = colorizers.NetworkColorizer(tiny)
    result = evaluate.evaluate(model, found.subset(range(3)), tmp_path / 'out', sweep=True, spills=True)
    names = [figures['name'] for figures in result['rows']]
    assert names == ['gray', 'faithful', 'vivid']
    assert result['rows'][0]['colorfulness']['mean'] < 1 < result['rows'][0]['colorfulness']['truth']
    assert [h['count'] for h in result['hints']] == list(evaluate.SWEEP)
    assert 'over gray' in tables.evaluation(result) and '± ' in tables.evaluation(result)
    assert json.loads((tmp_path / 'out' / 'metrics.json').read_text()) == result
    assert Image.open(tmp_path / 'out' / 'sheet.jpg').width > 300
    assert result['sources'] == [photo_folder.name]
    assert [set(row) >= {'spill', 'reach'} for row in result['rows']] == [False, True, True]
    with pytest.raises(evaluate.EvaluateError, match='two or more'):
        evaluate.evaluate(model, found.subset([0]), tmp_path)
    with pytest.raises(evaluate.EvaluateError, match='no hints'):
        evaluate.evaluate(colorizers.NetworkColorizer(networks.build('article')), found, tmp_path, sweep=True)


def test_a_hint_reaches_a_file_as_the_color_that_it_is():
    """Yellow exists only when light, blue only when dark; what exists nowhere comes as the nearest that does."""
    rgb = np.array([[255, 255, 0], [0, 0, 255], [0, 255, 0], [128, 128, 128], [250, 240, 200]]) / 255
    ab = color.rgb2lab(rgb)[:, 1:]
    assert np.abs(color.rgb2lab(colorizers.colors(ab))[:, 1:] - ab).max() < 0.5
    nowhere = colorizers.colors(np.array([[0, 120.0]]))
    assert nowhere.min() >= 0 and nowhere.max() <= 1 and color.rgb2lab(nowhere)[0, 2] > 80


def test_however_many_pictures_tensors_stay_small(monkeypatch):
    prepare, sizes = colorization.prepare, []
    monkeypatch.setattr(colorization, 'prepare', lambda pictures: sizes.append(len(pictures)) or prepare(pictures))
    pictures = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), 'uint8')
    row = evaluate.quick_row(colorizers.to_gray(pictures), pictures)
    evaluate.hint_points(pictures, 3)
    assert row['gain'] == 0 and row['ab_error'] > 10 and max(sizes) <= 16


def test_hint_points_hold_the_true_colors():
    truth = np.zeros((2, 256, 256, 3), 'uint8')
    truth[0], truth[1] = (200, 30, 30), (30, 30, 200)
    points = evaluate.hint_points(truth, 5)
    assert points.shape == (2, 5, 4)
    assert np.abs(points[0, :, 2:] - color.rgb2lab(truth[:1, :1, :1])[0, 0, 0, 1:]).max() < 0.02
    assert (evaluate.hint_points(truth, 2) == points[:, :2]).all()


def test_a_file_is_judged_by_what_its_network_can_do(standins, monkeypatch):
    """One without a distribution has no vividness to set; one with it gives another picture at each."""
    monkeypatch.setattr('lumachrome.colorizer.MODELS', standins)
    pictures = np.full((2, 64, 64, 3), 128, 'uint8')
    for name, differs in (('plain', False), ('steered', True)):
        model = colorizers.open_model(standins / f'{name}.onnx')
        faithful, vivid = (model.colorize(pictures, 32, vividness) for vividness in (0.0, 1.0))
        assert model.predicts_distribution == (faithful != vivid).any() == differs
        assert faithful.shape == pictures.shape and (faithful != pictures).any()


@pytest.fixture
def numbered(photo_folder, tmp_path):
    """Photos of two sources, four of one and two of the other, in a folder."""
    folder = tmp_path / 'numbered'
    folder.mkdir()
    for i, photo in enumerate(sorted(photo_folder.iterdir())[:6]):
        (folder / f'{"sea" if i < 4 else "my_town"}_{i}.png').write_bytes(photo.read_bytes())
    return folder


def test_two_files_are_compared_pair_by_pair(standins, monkeypatch, numbered, tmp_path, capsys):
    monkeypatch.setattr('lumachrome.colorizer.MODELS', standins)
    ours, theirs = str(standins / 'steered.onnx'), str(standins / 'plain.onnx')
    asked = ['evaluate', '--photos', str(numbered), '--out', str(tmp_path / 'out'), '--model', ours]
    main([*asked, '--against', ours, '--hints', '--spill'])
    printed = capsys.readouterr().out
    assert '| my_town | 2 |' in printed and '| sea | 4 |' in printed and '| mean over 2 sources |' in printed
    of_itself = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    for row in of_itself['against']['rows']:
        assert all(of['mean'] == of['se'] == 0 for key, of in row.items() if key not in ('name', 'other'))
        assert 'spill' in row and row['gain']['sources_se'] == 0
    main([*asked, '--against', theirs, '--json'])
    result = json.loads(capsys.readouterr().out)
    [row] = result['against']['rows']  # the other is never vivid
    assert (row['name'], row['other']) == ('faithful', 'plain')
    main(['evaluate', '--photos', str(numbered), '--out', str(tmp_path / 'out'), '--model', theirs, '--json'])
    alone = json.loads(capsys.readouterr().out)
    gains = [of['rows'][1]['gain'] for of in (result, alone)]
    assert row['gain']['mean'] == pytest.approx(gains[0]['mean'] - gains[1]['mean'])
    assert 0 < row['gain']['se'] < np.hypot(gains[0]['se'], gains[1]['se'])  # as photos that are hard are so for both
    by_source = {of['source']: of['faithful']['gain'] for of in result['by_source']}
    assert (4 * by_source['sea'] + 2 * by_source['my_town']) / 6 == pytest.approx(gains[0]['mean'])
    with pytest.raises(SystemExit, match='plain takes no hints'):
        main([*asked, '--against', theirs, '--spill'])


def test_the_share_that_a_run_splits_off_judges(standins, monkeypatch, photo_folder, tmp_path, capsys):
    monkeypatch.setattr('lumachrome.colorizer.MODELS', standins)
    held_out = photos.split(photos.read([photo_folder], 64), 0.4)[1]
    asked = ['evaluate', '--photos', str(photo_folder), '--out', str(tmp_path), '--json']
    asked += ['--model', str(standins / 'plain.onnx'), '--held-out', '0.4']
    seen = []
    monkeypatch.setattr(evaluate, 'check_unseen', lambda path, photos: seen.append(set(photos.digests)))
    for most in ([], ['--most', '3']):
        main([*asked, *most])
        assert json.loads(capsys.readouterr().out)['photos'] == len(seen[-1])
    assert seen[0] == set(held_out.digests) and len(seen[1]) == 3 and seen[1] < seen[0]
    with pytest.raises(SystemExit, match='None of these photos is in the share of 1e-09'):
        main([*asked[:-1], '1e-9'])


@pytest.mark.parametrize(
    ('flag', 'value'), [('--most', '-1'), ('--most', '0'), ('--render-size', '-64'), ('--held-out', '1.5')]
)
def test_numbers_out_of_range_are_told(flag, value, standins, photo_folder, tmp_path):
    asked = ['evaluate', '--photos', str(photo_folder), '--out', str(tmp_path), '--model', str(standins / 'plain.onnx')]
    with pytest.raises(SystemExit, match=f'{flag} = {value}: it must be above 0'):
        main([*asked, flag, value])


def test_a_finished_file_is_not_judged_by_what_it_has_learnt_from(
    exported, tiny, photo_folder, other_photos, tmp_path, monkeypatch
):
    """Its metadata knows the photos, as does a .npz that is kept, and a run that starts from that."""
    found, others = (photos.read([folder], 64) for folder in (photo_folder, other_photos))
    assert not evaluate.check_unseen(exported.path, found)  # of this nobody kept it
    run = tmp_path / 'run'
    run.mkdir()
    tiny.save(run / 'best.keras')
    (run / 'run.json').write_text(json.dumps({'photos_before': 0, 'photos_seen': 24}))
    np.save(run / 'learnt.npy', np.sort(checkpoints.numbers(found)))
    checkpoints.keep(run, run / 'kept.npz')
    monkeypatch.setattr(files, 'convert', lambda network: exported.converted)  # which is of the same network
    monkeypatch.setattr(files.verify, 'verify', lambda *given: {})
    files.export(run / 'kept.npz', run / 'finished.onnx')
    assert 'from 24 photos' in inspection.inspect(run / 'finished.onnx')
    assert 'not recorded' in re.search('learnt.*', inspection.inspect(exported.path))[0]
    for name in ('kept.npz', 'finished.onnx'):
        assert evaluate.check_unseen(run / name, others)
        with pytest.raises(evaluate.EvaluateError, match=f'{name} has learnt from 24 of these 24 photos'):
            evaluate.check_unseen(run / name, found)
    with pytest.raises(runs.FitError, match='24 of the 24 validation photos have been learnt from'):
        runs.keep_learnt(others, found, tmp_path, run / 'kept.npz')


def test_numbers_of_photos_travel_in_three_bytes_each():
    numbers = np.random.default_rng(0).integers(0, 2**64, 60000, 'uint64')
    text = learnt.packed(numbers)
    assert (learnt.unpacked(text) == np.unique(numbers >> 32)).all()
    assert len(text) < 3.2 * len(numbers)
    assert not len(learnt.unpacked(learnt.packed(numbers[:0]))) and not len(learnt.unpacked(''))


def test_the_benchmark_of_kodaks_photos_runs(standins, monkeypatch, photo_folder, tmp_path, capsys):
    """As the Makefile asks for it, with less to do."""
    recipe = re.search(r'^kodak: env\n((?:\t.*\n)+)', (ROOT / 'Makefile').read_text(), re.MULTILINE)[1]
    command = shlex.split(recipe.replace('\\\n', ' '))
    arguments = command[command.index('training') + 1 :]
    model, folder = (arguments.index(flag) + 1 for flag in ('--model', '--photos'))
    assert (ROOT / arguments[model]).is_file() and len(list((ROOT / arguments[folder]).glob('kodim*.png'))) == 24
    assert all(Image.open(path).size == (256, 256) for path in (ROOT / arguments[folder]).glob('*.png'))
    few = tmp_path / 'few'
    few.mkdir()
    for photo in sorted(photo_folder.iterdir())[:2]:
        (few / photo.name).write_bytes(photo.read_bytes())
    arguments[model], arguments[folder] = str(standins / 'steered.onnx'), str(few)
    monkeypatch.setattr('lumachrome.colorizer.MODELS', standins)
    monkeypatch.chdir(tmp_path)
    main(arguments)
    printed = capsys.readouterr().out
    assert printed.startswith('2 photos, 256 x 256') and "over the truth's" in printed and 'spill' in printed
    assert re.search(r'\| vivid \| [\d.]+ ± [\d.]+ \| [+-]', printed) and '| PSNR dB over gray |' in printed
