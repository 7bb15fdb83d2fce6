"""The vivid point: learnt from photos that a run has not learnt from, chosen, and kept with the network."""

import json
import shutil

import numpy as np
import pytest

from training import checkpoints, fit, networks, photos, recipe, runs, vivid
from training.__main__ import main


@pytest.mark.training
def test_vivid_point_is_chosen_on_photos_split_off_and_kept_with_the_network(
    tiny, photo_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(vivid, 'STEPS', 100)
    out = tmp_path / 'run'
    settings = {'network': 'tiny', 'loss': 'bins', 'aging_prob': 0.5, 'canvas': 64, 'size': 32}
    train, validation = photos.split(photos.read([photo_folder], 64), 0.3)
    fit.fit(recipe.load(**settings, batch=4, epoch=4, budget=4, held_out=0.3), train, validation, out, 'test')
    learn, pictures, learnt = vivid.learn, [], []

    def overheard(model, some):
        pictures.extend(some)
        learnt.extend(learn(model, some))
        return learnt

    monkeypatch.setattr(vivid, 'learn', overheard)
    main(['vivid', str(out), '--photos', str(photo_folder)])
    assert 0 < len(pictures) < len(validation)
    assert all((validation.stacked() == picture).all((1, 2, 3)).any() for picture in pictures)
    chosen = json.loads((out / 'vivid.json').read_text())['chosen']
    assert chosen['gain'] in vivid.GAINS
    inverse_temperature, offsets, colors = networks.distribution(checkpoints.load(out)).vivid_point
    assert inverse_temperature == pytest.approx(learnt[0]) and np.allclose(offsets, learnt[1])
    assert np.allclose(colors, chosen['gain'] * learnt[2], atol=1e-4)
    untaught = vivid.Reading().point
    assert all(np.abs(after - before).max() > 0.01 for after, before in zip(learnt, untaught, strict=True))
    assert 'chosen' in capsys.readouterr().out
    learnt_from = tmp_path / 'learnt-from'
    learnt_from.mkdir()
    for name in train.names:
        shutil.copy(name, learnt_from)
    with pytest.raises(SystemExit) as error:
        main(['vivid', str(out), '--photos', str(learnt_from)])
    assert 'has learnt from all but 0 of these photos' in str(error.value)


def test_a_run_that_goes_on_is_waited_for(photo_folder, tmp_path):
    """Said before any work, and without an --out, of which there is none here."""
    with runs.alone(tmp_path), pytest.raises(SystemExit) as error:
        main(['vivid', str(tmp_path), '--photos', str(photo_folder)])
    assert 'wait until it is done, or end it' in str(error.value) and '--out' not in str(error.value)
    with pytest.raises(SystemExit, match="nowhere is not a run's folder"):
        main(['vivid', str(tmp_path / 'nowhere'), '--photos', str(photo_folder)])
    assert not (tmp_path / 'nowhere').exists()


def test_choice_of_the_vivid_point():
    """The best of those that are as colourful as the truth; where none is, the most colourful."""
    points = [
        {'over_gray': g, 'colorfulness': c, 'truth': 40.0} for g, c in ((1.2, 18), (0.8, 42), (0.9, 40), (0.6, 45))
    ]
    assert vivid.choose(points)['colorfulness'] == 40
    assert vivid.choose([points[0], {**points[0], 'colorfulness': 36, 'over_gray': 0.7}])['colorfulness'] == 36
