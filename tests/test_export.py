"""The export room: what the file does, checked through onnxruntime, on networks that need no training."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers
from PIL import Image
from skimage import color, data

from demo import contract
from export import __main__ as command
from export import files, pipeline, verify
from export.convert import ExportError, convert
from training import bins, networks
from training.networks.layers import HintMap, SpreadHints


def build_tiny():
    """A network with hints and a distribution, at a stride of 4, that answers strongly to what it is given."""
    L, hints = layers.Input((None, None, 1), name='L'), layers.Input((None, 5), name='hints')
    x = layers.Concatenate()([layers.Rescaling(1 / 50, offset=-1)(L), layers.Rescaling(1 / 50)(HintMap()(L, hints))])
    x = layers.Conv2D(16, 3, strides=2, padding='same', activation='relu')(x)
    x = layers.Conv2D(16, 3, strides=2, padding='same', activation='relu')(x)
    logits = layers.Conv2D(len(bins.BINS), 1, kernel_initializer='random_normal')(layers.Rescaling(60.0)(x))
    silence = layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(-5.0))(x)
    logits, share = SpreadHints(stride=4)(logits, layers.Conv2D(3, 1)(x), silence, L, hints)
    network = keras.Model([L, hints], [bins.Distribution(name='distribution')(logits), share], name='tiny')
    distribution = networks.distribution(network)
    distribution.read_by(1.7, np.linspace(0, -2, len(bins.BINS)), 1.3 * bins.BINS + [2, -3])
    return network


@pytest.fixture(scope='module')
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, 'NAMES', (*networks.NAMES, 'tiny'))
        patch.setitem(sys.modules, 'training.networks.tiny', types.SimpleNamespace(MULTIPLE=8, RENDER_SIZE=64))
        keras.utils.set_random_seed(1)
        yield build_tiny()


@pytest.fixture(scope='module')
def exported(tiny, tmp_path_factory):
    """The file of `tiny`: its path, and what was verified."""
    folder = tmp_path_factory.mktemp('export')
    tiny.save(folder / 'tiny.keras')
    return folder / 'tiny.onnx', files.export(folder / 'tiny.keras', folder / 'tiny.onnx', licence='mine')


@pytest.fixture(scope='module')
def session(exported):
    return quiet_session(str(exported[0]))


@pytest.fixture(scope='module')
def join():
    return quiet_session(pipeline.build_join(np.uint8).SerializeToString())


def quiet_session(source):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(source, options, providers=['CPUExecutionProvider'])


def colorize(session, photos, hints=(), render_size=0, saturation=1.0, vividness=0.5, **more):
    """All outputs by name; `hints` are the same for every photo."""
    hints = np.array(hints, 'float32').reshape(-1, 5)
    feed = {
        contract.PHOTO: photos,
        contract.RENDER_SIZE: np.array([render_size]),
        contract.SATURATION: np.array([saturation], 'float32'),
        contract.VIVIDNESS: np.array([vividness], 'float32'),
        contract.HINTS: np.repeat(hints[None], len(photos), 0),
    }
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed | more), strict=True))


@pytest.fixture(scope='module')
def photos():
    return verify.pictures(120, 90)


# The contract


def test_file_states_the_contract(exported):
    model = onnx.load(exported[0])
    session = quiet_session(str(exported[0]))
    inputs = {t.name: (t.type, len(t.shape)) for t in session.get_inputs()}
    assert inputs == {
        contract.PHOTO: ('tensor(uint8)', 4),
        contract.RENDER_SIZE: ('tensor(int64)', 1),
        contract.SATURATION: ('tensor(float)', 1),
        contract.VIVIDNESS: ('tensor(float)', 1),
        contract.HINTS: ('tensor(float)', 3),
    }
    assert [t.name for t in session.get_overridable_initializers()] == [contract.STRIP_ROWS]
    outputs = [t.name for t in session.get_outputs()]
    assert outputs == [contract.COLORIZED, contract.AB, contract.PROBABILITIES, contract.BINS]
    assert [(o.domain, o.version) for o in model.opset_import] == [('', contract.OPSET)]
    assert model.ir_version == contract.IR_VERSION
    assert not {node.op_type for node in model.graph.node} & {'Tile', 'ConvTranspose', 'Loop'}
    properties = session.get_modelmeta().custom_metadata_map
    assert set(properties) == {contract.METADATA_PREFIX + key for key in contract.METADATA_KEYS}
    assert properties['lumachrome.licence'] == 'mine'


def test_article_leaves_out_what_it_has_no_use_for():
    article = networks.build('article')
    session = quiet_session(pipeline.build(convert(article)).SerializeToString())
    assert [t.name for t in session.get_inputs()] == [contract.PHOTO, contract.RENDER_SIZE, contract.SATURATION]
    assert [t.name for t in session.get_outputs()] == [contract.COLORIZED, contract.AB]


@pytest.mark.parametrize('size', [(1, 1), (1, 300), (300, 1), (7, 5), (121, 83)])
def test_any_size_goes_in(session, size):
    for photo in (np.zeros((1, *size, 3), 'uint8'), np.full((2, *size, 3), 255, 'uint8')):
        found = colorize(session, photo)
        assert np.array_equal(found[contract.COLORIZED], photo)  # black stays black and white white
        assert np.isfinite(found[contract.AB]).all()


def test_render_size_sets_the_short_side_in_steps_and_squeezes_strips(session):
    def rendered(height, width, size):
        return colorize(session, np.zeros((1, height, width, 3), 'uint8'), render_size=size)[contract.AB].shape[1:3]

    assert rendered(200, 100, 0) == (32, 16)  # the network's own, 64, at a stride of 4
    assert rendered(200, 300, 100) == (25, 38)  # 150 is rounded to 152
    assert rendered(1, 5000, 64) == (16, 64)
    assert rendered(50, 50, 1) == (8, 8)  # clipped to 32
    assert rendered(50, 50, 5000) == (256, 256)


def test_settings_out_of_range_are_clipped(session, photos):
    for name, outside, inside in (
        ('saturation', 9, 4),
        ('saturation', -1, 0),
        ('vividness', 5, 1),
        ('vividness', -5, 0),
    ):
        a, b = (colorize(session, photos, **{name: value})[contract.COLORIZED] for value in (outside, inside))
        assert np.array_equal(a, b)
    nan = colorize(session, photos, saturation=np.nan)[contract.COLORIZED]
    assert np.array_equal(nan, colorize(session, photos, saturation=0)[contract.COLORIZED])


def test_batch_does_not_matter(session, photos):
    together = colorize(session, photos)[contract.COLORIZED]
    for photo, ours in zip(photos, together, strict=True):
        assert np.array_equal(colorize(session, photo[None])[contract.COLORIZED][0], ours)


@pytest.mark.parametrize('rows', [-3, 1, 7, 120, 10**6])
def test_strips_do_not_matter(session, photos, rows):
    ours = colorize(session, photos, strip_rows=np.array([rows]))[contract.COLORIZED]
    assert np.array_equal(ours, colorize(session, photos)[contract.COLORIZED])


# Colour


def test_vividness_goes_from_the_mean_to_the_vivid_point(session, photos, tiny):
    ab = [colorize(session, photos, vividness=v)[contract.AB] for v in (0, 0.5, 1)]
    assert np.allclose(ab[1], (ab[0] + ab[2]) / 2, atol=1e-3)
    found = colorize(session, photos, vividness=0)
    assert np.allclose(found[contract.PROBABILITIES].sum(-1), 1, atol=1e-5)
    assert np.allclose(found[contract.PROBABILITIES] @ found[contract.BINS], ab[0], atol=1e-2)
    logits = np.log(np.maximum(found[contract.PROBABILITIES], 1e-30))
    assert np.allclose(np.asarray(bins.vivid(logits, *networks.distribution(tiny).vivid_point)), ab[2], atol=0.1)


def test_hints_reach_the_network_where_they_are(session, photos):
    without = colorize(session, photos)[contract.AB]
    hinted = colorize(session, photos, [(0.25, 0.75, 220, 30, 30)])[contract.AB]
    y, x = np.unravel_index(np.abs(hinted - without)[0].sum(-1).argmax(), hinted.shape[1:3])
    assert abs((y + 0.5) / hinted.shape[1] - 0.75) < 0.1 and abs((x + 0.5) / hinted.shape[2] - 0.25) < 0.1


def test_padding_hints_count_for_nothing(session, photos):
    nothing = [(-1, 0.5, 255, 0, 0), (0.5, np.nan, 255, 0, 0), (0.5, 0.5, np.inf, 0, 0), (0.5, 0.5, 0, -np.inf, 0)]
    ours = colorize(session, photos, nothing)[contract.AB]
    assert np.allclose(ours, colorize(session, photos)[contract.AB], atol=1e-4)


def test_hints_outside_are_clipped_to_the_photo(session, photos):
    a = colorize(session, photos, [(7, 9, 220, 30, 30)])[contract.AB]
    b = colorize(session, photos, [(1, 1, 220, 30, 30)])[contract.AB]
    assert np.array_equal(a, b) and not np.allclose(a, colorize(session, photos)[contract.AB])


def test_overlapping_hints_are_averaged(session, photos):
    red, blue = (0.5, 0.5, 200, 60, 60), (0.5, 0.5, 60, 60, 200)
    ab = color.rgb2lab(np.array([red[2:], blue[2:]], 'uint8')[None])[0, :, 1:].mean(0)
    both = colorize(session, photos, [red, blue])[contract.AB]
    y, x = (side // 2 for side in both.shape[1:3])
    assert np.abs(both[:, y, x] - ab).max() < 3


@pytest.mark.parametrize('vividness', [0, 1])
def test_a_hint_is_obeyed_at_its_place_however_vivid_the_rest(session, photos, vividness):
    ab = color.rgb2lab(np.array([[[60, 60, 200]]], 'uint8'))[0, 0, 1:]
    hinted = colorize(session, photos, [(0.5, 0.5, 60, 60, 200)], vividness=vividness)[contract.AB]
    y, x = (side // 2 for side in hinted.shape[1:3])
    assert np.abs(hinted[:, y, x] - ab).max() < 3


# The tail


@pytest.mark.parametrize('spread', [0, 15, 80])
def test_luminance_stays(join, spread):
    random = np.random.default_rng(0)
    colours = random.normal(0, spread, (2, 20, 30, 2)).astype('float32')
    photos = verify.pictures(301, 207)
    ours = join.run(None, {contract.PHOTO: photos, contract.AB: colours})[0]
    errors = verify.luminance_error(photos, ours)
    assert errors.max() <= 1 and errors.mean() <= 0.25
    assert spread == 0 or np.ptp(ours.astype(int), axis=-1).mean() > 10  # and there is colour


def test_every_gray_level_and_color_keeps_its_luminance_without_ab(join):
    levels = np.arange(256, dtype='uint8')
    gray = np.repeat(levels[None, None, :, None], 3, -1)
    steps = np.arange(0, 256, 5, dtype='uint8')
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, 52, -1, 3)
    none = np.zeros((1, 1, 1, 2), 'float32')
    assert np.array_equal(join.run(None, {contract.PHOTO: gray, contract.AB: none})[0], gray)
    ours = join.run(None, {contract.PHOTO: cube, contract.AB: none})[0]
    spread = np.ptp(ours.astype(int), axis=-1)
    assert spread.max() <= 1 and spread.mean() < 1e-3  # a channel may round the other way where Y is half a level
    assert verify.luminance_error(cube, ours).max() <= 0.6


def test_a_gray_photo_gives_the_same_bytes_beside_one_coloured_pixel(join):
    """Gray strips take a shorter way to the luminance than others."""
    gray = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 64, 300, 1), 'uint8'), 3, -1)
    marked = gray.copy()
    marked[0, ::8, 0] = 200, 30, 30
    ab = np.random.default_rng(1).normal(0, 30, (1, 8, 8, 2)).astype('float32')
    a, b = (join.run(None, {contract.PHOTO: photo, contract.AB: ab})[0] for photo in (gray, marked))
    assert np.array_equal(a[:, :, 1:], b[:, :, 1:])


def test_words_keep_all_their_levels():
    session = quiet_session(pipeline.build_join(np.uint16).SerializeToString())
    gray = np.repeat(np.arange(65536, dtype='uint16').reshape(1, 256, 256, 1), 3, -1)
    same = session.run(None, {contract.PHOTO: gray, contract.AB: np.zeros((1, 1, 1, 2), 'float32')})[0]
    assert np.abs(same.astype(int) - gray).max() <= 1


# Verification and the command


def test_verified_figures_are_in_the_metadata(exported):
    found = exported[1]
    assert found['largest_difference']['rendered'] <= 1 and found['largest_difference']['colorized'] <= 1
    assert len(found['sizes']) >= 5 and found['batches'] == [1, 2]


def test_what_differs_is_not_written(tiny, tmp_path, monkeypatch, capsys):
    """A file whose Lab matrix is wrong fails its verification, leaves nothing and says so."""
    tiny.save(tmp_path / 'tiny.keras')
    (tmp_path / 'tiny.onnx').write_text('what was there before')
    monkeypatch.setattr(pipeline, 'WHITE_TO_RGB', pipeline.WHITE_TO_RGB * [[1.02], [1], [1]])
    with pytest.raises(SystemExit) as stopped:
        command.main([str(tmp_path / 'tiny.keras'), str(tmp_path / 'tiny.onnx')])
    assert 'off Keras and scikit-image' in str(stopped.value.code)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['tiny.keras', 'tiny.onnx']
    assert (tmp_path / 'tiny.onnx').read_text() == 'what was there before'


def test_a_wrong_head_is_noticed(tiny, monkeypatch):
    monkeypatch.setattr(contract, 'HINT_SIDE', 20 / 256)
    converted = convert(tiny)
    model = pipeline.build(converted)
    monkeypatch.undo()
    sys.modules['training.networks.tiny'] = types.SimpleNamespace(MULTIPLE=8, RENDER_SIZE=64)
    with pytest.raises(ExportError, match='off what Keras gives'):
        verify.verify(model, converted)


@pytest.mark.parametrize(
    ('output', 'change', 'words'),
    [
        (contract.AB, lambda ab: 1.01 * ab, 'ab is .* off what Keras gives'),
        (contract.AB, lambda ab: ab * np.nan, 'ab is nan off'),
        (contract.AB, lambda ab: ab[:, :-1], 'ab is of shape'),
        (contract.PROBABILITIES, lambda shares: 0.9 * shares, 'probabilities is .* off'),
        (contract.BINS, lambda colours: colours + 1, 'bins is 1 off'),
        (contract.COLORIZED, lambda photos: photos if len(photos) > 1 else photos ^ 2, 'alone and in a batch'),
    ],
)
def test_every_output_is_held_to_keras(tiny, monkeypatch, output, change, words):
    run = verify.run

    def wrong(session, feed):
        outputs = run(session, feed)
        return outputs | {output: change(outputs[output])}

    monkeypatch.setattr(verify, 'run', wrong)
    converted = convert(tiny)
    with pytest.raises(ExportError, match=words):
        verify.verify(pipeline.build(converted), converted)


def test_a_network_that_nothing_can_be_compared_of_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(verify, 'joining_error', lambda *args: (0.0, 0))
    converted = convert(tiny)
    with pytest.raises(ExportError, match='outside the gamut'):
        verify.verify(pipeline.build(converted), converted)


def test_tails_alone_are_written_and_verified(tmp_path, capsys):
    command.main(['join', str(tmp_path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ['join.onnx', 'join16.onnx']
    assert capsys.readouterr().out.count('verified: {') == 2
    for name, depth in files.JOINS.items():
        photo = np.full((1, 3, 4, 3), 7, depth)
        given = {contract.PHOTO: photo, contract.AB: np.zeros((1, 1, 1, 2), 'float32')}
        same = quiet_session(str(tmp_path / name)).run(None, given)[0]
        assert same.dtype == depth and np.array_equal(same, photo)


@pytest.mark.parametrize('target', ['nowhere/a.onnx', 'nowhere'])
def test_a_missing_folder_is_told_before_the_work(tmp_path, monkeypatch, target):
    monkeypatch.setattr(files.networks, 'load', lambda source: pytest.fail('the work had begun'))
    monkeypatch.setattr(pipeline, 'build_join', lambda depth: pytest.fail('the work had begun'))
    with pytest.raises(SystemExit) as stopped:
        command.main(['join' if target == 'nowhere' else 'runs/mine', str(tmp_path / target)])
    assert 'there is no folder' in stopped.value.code


def test_what_is_said_of_a_run_is_in_its_files_metadata(tiny, tmp_path):
    """Of its best network when that was judged, of its last one when it was not."""
    run = {'data': '9 photos', 'photos_before': 5, 'photos_seen': 30, 'best_photos_seen': 20, 'config': {}}
    (tmp_path / 'run.json').write_text(json.dumps(run))
    (tmp_path / 'metrics.json').write_text('{"photos": 3}')
    for name in ('best', 'last', 'other'):
        tiny.save(tmp_path / f'{name}.keras')
    converted = convert(tiny)
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
    command.main(['inspect', str(exported[0])])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ('photo', 'strip_rows', 'probabilities', 'licence', 'mine'))


def test_other_backends_are_told_in_one_sentence(tmp_path):
    code = (
        'from training import networks; networks.build("article").save("a.keras"); '
        'from export import __main__ as e; e.main(["a.keras", "a.onnx"])'
    )
    environment = os.environ | {'KERAS_BACKEND': 'jax', 'PYTHONPATH': str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and 'needs TensorFlow' in done.stderr and 'Traceback' not in done.stderr


def test_rendered_is_pillows(exported):
    """The head alone, on real photos and a large reduction."""
    session = quiet_session(verify.with_rendered(onnx.load(exported[0])).SerializeToString())
    for photo in (data.astronaut(), data.coffee(), data.chelsea()):
        shown = colorize(session, photo[None])[pipeline.RENDERED][0].transpose(1, 2, 0)
        expected = Image.fromarray(photo).resize(shown.shape[1::-1], Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(expected, int) - shown).max() <= 1


def test_weights_in_half_the_bytes_give_the_same_photo(tmp_path):
    networks.build('unet').save(tmp_path / 'network.keras')
    files.export(tmp_path / 'network.keras', tmp_path / 'whole.onnx')
    verified = files.export(tmp_path / 'network.keras', tmp_path / 'half.onnx', float16=True)
    assert verified['float16']['mean'] < 0.5
    whole, half = ((tmp_path / f'{name}.onnx').stat().st_size for name in ('whole', 'half'))
    assert half < 0.55 * whole
