"""The figures that say how good a network is."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage import color, data

from training import colorization, evaluate, metrics, networks, photos


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
    assert result['sources'] == [photo_folder.name]
    with pytest.raises(evaluate.EvaluateError, match='two or more'):
        evaluate.evaluate(model, found.subset([0]), tmp_path)
    with pytest.raises(evaluate.EvaluateError, match='no hints'):
        evaluate.evaluate(evaluate.NetworkColorizer(networks.build('article')), found, tmp_path, sweep=True)


def test_a_hint_reaches_a_file_as_the_color_that_it_is():
    """Yellow exists only when light, blue only when dark; what exists nowhere comes as the nearest that does."""
    rgb = np.array([[255, 255, 0], [0, 0, 255], [0, 255, 0], [128, 128, 128], [250, 240, 200]]) / 255
    ab = color.rgb2lab(rgb)[:, 1:]
    assert np.abs(color.rgb2lab(evaluate.colors(ab))[:, 1:] - ab).max() < 0.5
    nowhere = evaluate.colors(np.array([[0, 120.0]]))
    assert nowhere.min() >= 0 and nowhere.max() <= 1 and color.rgb2lab(nowhere)[0, 2] > 80


def test_however_many_pictures_tensors_stay_small(monkeypatch):
    prepare, sizes = colorization.prepare, []
    monkeypatch.setattr(colorization, 'prepare', lambda pictures: sizes.append(len(pictures)) or prepare(pictures))
    pictures = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), 'uint8')
    row = evaluate.quick_row(evaluate.to_gray(pictures), pictures)
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
        model = evaluate.open_model(standins / f'{name}.onnx')
        faithful, vivid = (model.colorize(pictures, 32, vividness) for vividness in (0.0, 1.0))
        assert model.predicts_distribution == (faithful != vivid).any() == differs
        assert faithful.shape == pictures.shape and (faithful != pictures).any()
