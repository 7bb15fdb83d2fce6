"""What the export checks before a file gets its name, what it writes, and what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from keras import layers
from PIL import Image
from skimage import data
from tiny import colorize, quiet_session

from export import __main__ as command
from export import files, pipeline, tail, verify
from export.convert import ExportError
from export.graph import graphs
from lumachrome import contract
from training import networks


@pytest.fixture(scope='module')
def built(exported):
    """The model of `tiny`, and what it was made of; to be read, not changed."""
    return pipeline.build(exported.converted), exported.converted


@pytest.fixture
def few_sizes(monkeypatch):
    """Of what is compared at every size, one smaller and one larger than a network looks at."""
    monkeypatch.setattr(verify, 'SIZES', ((5, 70), (130, 101)))


def test_verified_figures_are_in_the_metadata(exported):
    found = exported.verified
    assert found['largest_difference']['rendered'] <= 1 and found['largest_difference']['colorized'] <= 1
    assert len(found['sizes']) >= 5 and found['batches'] == [1, 2]


def test_what_differs_is_not_written(exported, tiny, tmp_path, monkeypatch):
    """A file whose Lab matrix is wrong fails its verification, leaves nothing and says so."""
    tiny.save(tmp_path / 'tiny.keras')
    (tmp_path / 'tiny.onnx').write_text('what was there before')
    monkeypatch.setattr(files, 'convert', lambda network: exported.converted)
    monkeypatch.setattr(tail, 'WHITE_TO_RGB', tail.WHITE_TO_RGB * [[1.02], [1], [1]])
    with pytest.raises(SystemExit) as stopped:
        command.main([str(tmp_path / 'tiny.keras'), str(tmp_path / 'tiny.onnx')])
    assert 'off Keras and scikit-image' in str(stopped.value.code)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['tiny.keras', 'tiny.onnx']
    assert (tmp_path / 'tiny.onnx').read_text() == 'what was there before'


def test_a_wrong_head_is_noticed(exported, few_sizes, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(contract, 'HINT_SIDE', 20 / 256)
        model = pipeline.build(exported.converted)
    with pytest.raises(ExportError, match='off what Keras gives'):
        verify.verify(model, exported.converted)


@pytest.mark.parametrize(
    ('output', 'change', 'words'),
    [
        (contract.AB, lambda ab: 1.01 * ab, 'ab is .* off what Keras gives'),
        (contract.AB, lambda ab: ab * np.nan, 'ab is nan off'),
        (contract.AB, lambda ab: ab[:, :-1], 'ab is of shape'),
        (contract.PROBABILITIES, lambda shares: 0.9 * shares, 'probabilities is .* off'),
        (contract.BINS, lambda colors: colors + 1, 'bins is 1 off'),
        (contract.COLORIZED, lambda photos: photos if len(photos) > 1 else photos ^ 2, 'alone and in a batch'),
    ],
)
def test_every_output_is_held_to_keras(built, few_sizes, monkeypatch, output, change, words):
    run = verify.run

    def wrong(session, feed):
        outputs = run(session, feed)
        return outputs | {output: change(outputs[output])}

    monkeypatch.setattr(verify, 'run', wrong)
    with pytest.raises(ExportError, match=words):
        verify.verify(*built)


def test_a_network_that_nothing_can_be_compared_of_is_refused(built, few_sizes, monkeypatch):
    monkeypatch.setattr(verify, 'joining_error', lambda *args: (0.0, 0))
    with pytest.raises(ExportError, match='outside the gamut'):
        verify.verify(*built)


def test_tails_alone_are_written_and_verified(few_sizes, tmp_path, capsys):
    command.main(['parts', str(tmp_path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(contract.PARTS)
    assert capsys.readouterr().out.count('verified: {') == len(contract.PARTS)
    for depth, name in contract.JOINS.items():
        photo = np.full((1, 3, 4, 3), 7, depth)
        given = {contract.PHOTO: photo, contract.AB: np.zeros((1, 1, 1, 2), 'float32')}
        same = quiet_session(str(tmp_path / name)).run(None, given)[0]
        assert same.dtype == depth and np.array_equal(same, photo)


@pytest.mark.parametrize('target', ['nowhere/a.onnx', 'nowhere'])
def test_a_missing_folder_is_told_before_the_work(tmp_path, monkeypatch, target):
    monkeypatch.setattr(files.checkpoints, 'load', lambda source: pytest.fail('the work had begun'))
    monkeypatch.setattr(pipeline, 'build_render', lambda: pytest.fail('the work had begun'))
    with pytest.raises(SystemExit) as stopped:
        command.main(['parts' if target == 'nowhere' else 'runs/mine', str(tmp_path / target)])
    assert 'there is no folder' in stopped.value.code


def test_what_is_said_of_a_run_is_in_its_files_metadata(tiny, built, tmp_path):
    """Of its best network when that was judged, of its last one when it was not."""
    run = {'data': '9 photos', 'photos_before': 5, 'photos_seen': 30, 'best_photos_seen': 20, 'config': {}}
    (tmp_path / 'run.json').write_text(json.dumps(run))
    (tmp_path / 'metrics.json').write_text('{"photos": 3}')
    for name in ('best', 'last', 'other'):
        tiny.save(tmp_path / f'{name}.keras')
    _, converted = built
    said = {name: files.describe(converted, tmp_path / name, 'mine', {}) for name in ('', 'best.keras', 'last.keras')}
    assert [about['training']['photos_seen'] for about in said.values()] == [20, 20, 30]
    assert [about['metrics'] for about in said.values()] == [{'photos': 3}, {'photos': 3}, {}]
    assert files.describe(converted, tmp_path / 'other.keras', 'mine', {})['training'] == 'not recorded'


def test_a_network_of_somebody_else_is_one_sentence(tmp_path):
    keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 1)], name='theirs').save(tmp_path / 'theirs.keras')
    with pytest.raises(SystemExit) as stopped:
        command.main([str(tmp_path / 'theirs.keras'), str(tmp_path / 'out.onnx')])
    assert "network called 'theirs', none of ours" in stopped.value.code


@pytest.mark.parametrize('content', [None, b'', b'no network'])
def test_a_source_that_cannot_be_read_is_one_sentence(tmp_path, content):
    source = tmp_path / 'broken.keras'
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        command.main([str(source), str(tmp_path / 'out.onnx')])
    assert 'broken.keras' in stopped.value.code and '\n' not in stopped.value.code
    assert not (tmp_path / 'out.onnx').exists()


def test_inspect_shows_contract_and_metadata(exported, capsys):
    command.main(['inspect', str(exported.path)])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ('photo', 'strip_rows', 'probabilities', 'licence', 'mine'))


def test_another_backend_is_told_in_one_sentence(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / 'tiny.keras')
    monkeypatch.setattr(keras.backend, 'backend', lambda: 'jax')
    with pytest.raises(SystemExit, match='needs TensorFlow, but KERAS_BACKEND is jax'):
        command.main([str(tmp_path / 'tiny.keras'), str(tmp_path / 'tiny.onnx')])


@pytest.mark.slow  # half a minute: two backends are loaded
def test_a_process_on_another_backend_ends_in_one_sentence(tmp_path):
    code = (
        'from training import networks; networks.build("article").save("a.keras"); '
        'from export import __main__ as e; e.main(["a.keras", "a.onnx"])'
    )
    environment = os.environ | {'KERAS_BACKEND': 'jax', 'PYTHONPATH': str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and 'needs TensorFlow' in done.stderr and 'Traceback' not in done.stderr


def test_rendered_is_pillows(exported):
    """The head alone, on real photos and a large reduction."""
    session = quiet_session(verify.with_rendered(onnx.load(exported.path)).SerializeToString())
    for photo in (data.astronaut(), data.coffee(), data.chelsea()):
        shown = colorize(session, photo[None])[pipeline.RENDERED][0].transpose(1, 2, 0)
        expected = Image.fromarray(photo).resize(shown.shape[1::-1], Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(expected, int) - shown).max() <= 1


def test_kernels_are_kept_in_half_the_bytes(exported, tiny, few_sizes, tmp_path, monkeypatch):
    tiny.save(tmp_path / 'tiny.keras')
    monkeypatch.setattr(files, 'convert', lambda network: exported.converted)
    monkeypatch.setattr(verify, 'verify', lambda *args: {})  # of the whole file: other tests' subject
    verified = files.export(tmp_path / 'tiny.keras', tmp_path / 'half.onnx', float16=True)
    assert verified['rounded']['mean'] < 0.5
    kept = [tensor for graph in graphs(onnx.load(tmp_path / 'half.onnx')) for tensor in graph.initializer]
    halved = [tensor for tensor in kept if tensor.data_type == onnx.TensorProto.FLOAT16]
    kernels = [weight for weight in tiny.get_weights() if weight.ndim > 1]
    assert sum(np.prod(tensor.dims) for tensor in halved) >= sum(kernel.size for kernel in kernels)


@pytest.mark.slow  # a minute: a network of millions of weights is exported twice
def test_weights_in_half_the_bytes_give_the_same_photo(tmp_path):
    networks.build('unet').save(tmp_path / 'network.keras')
    files.export(tmp_path / 'network.keras', tmp_path / 'whole.onnx')
    verified = files.export(tmp_path / 'network.keras', tmp_path / 'half.onnx', float16=True)
    assert verified['rounded']['mean'] < 0.5
    whole, half = ((tmp_path / f'{name}.onnx').stat().st_size for name in ('whole', 'half'))
    assert half < 0.55 * whole
