"""What the exported file does, checked through onnxruntime, on networks that need no training."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from skimage import color
from tiny import colorize, quiet_session

from export import pipeline, verify
from export.convert import convert
from lumachrome import contract
from training import anchors, networks
from training.colorizers import NetworkColorizer


@pytest.fixture(scope='module')
def session(exported):
    return quiet_session(str(exported.path))


@pytest.fixture(scope='module')
def join():
    return quiet_session(pipeline.build_join(np.uint8).SerializeToString())


@pytest.fixture(scope='module')
def photos():
    return verify.pictures(120, 90)


# The contract


def test_file_states_the_contract(exported):
    model = onnx.load(exported.path)
    session = quiet_session(str(exported.path))
    inputs = {t.name: (t.type, len(t.shape)) for t in session.get_inputs()}
    assert inputs == {
        contract.PHOTO: ('tensor(uint8)', 4),
        contract.RENDER_SIZE: ('tensor(int64)', 1),
        contract.SATURATION: ('tensor(float)', 1),
        contract.VIVIDNESS: ('tensor(float)', 1),
        contract.HINTS: ('tensor(float)', 3),
        contract.REACH: ('tensor(float)', 1),
        contract.VARIANT: ('tensor(int64)', 1),
    }
    assert [t.name for t in session.get_overridable_initializers()] == [contract.STRIP_ROWS]
    outputs = [t.name for t in session.get_outputs()]
    assert outputs == [contract.COLORIZED, contract.AB, contract.PROBABILITIES, contract.BINS, contract.ANCHORS]
    assert [(o.domain, o.version) for o in model.opset_import] == [('', contract.OPSET)]
    assert model.ir_version == contract.IR_VERSION
    assert not {node.op_type for node in model.graph.node} & {'Tile', 'ConvTranspose'}
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
        ('variant', 9, 3),
        ('variant', -1, 0),
    ):
        a, b = (colorize(session, photos, **{name: value})[contract.COLORIZED] for value in (outside, inside))
        assert np.array_equal(a, b)
    nan = colorize(session, photos, saturation=np.nan)[contract.COLORIZED]
    assert np.array_equal(nan, colorize(session, photos, saturation=0)[contract.COLORIZED])


def test_batch_does_not_matter(session, photos):
    together = colorize(session, photos)[contract.COLORIZED]
    for photo, ours in zip(photos, together, strict=True):
        alone = colorize(session, photo[None])[contract.COLORIZED][0]
        assert np.abs(alone.astype(int) - ours).max() <= 1  # the hints' products round by batch


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


def test_the_vivid_point_is_what_training_makes_of_anchors(session, tiny):
    photos = verify.pictures(64, 64)  # seen as they are
    model = NetworkColorizer(tiny)
    for variant in (0, 1):
        expected = model.read(*model._seen(photos, 64, None), 1.0, variant)
        ours = colorize(session, photos, vividness=1, variant=variant)[contract.AB]
        assert np.quantile(np.abs(ours - np.asarray(expected)), 0.9) < 0.1  # a hint's edge may round elsewhere


def test_only_the_decoder_is_asked_again_and_only_for_vividness(exported, photos, tmp_path):
    options = onnxruntime.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / 'profile')
    asked = {}
    for vividness in (0, 0.1):
        session = onnxruntime.InferenceSession(exported.path, options, providers=['CPUExecutionProvider'])
        colorize(session, photos, vividness=vividness)
        events = json.loads(Path(session.end_profiling()).read_text())
        nodes = [event['args']['op_name'] for event in events if event['name'].endswith('_kernel_time')]
        asked[vividness] = sum(name in ('Conv', 'FusedConv') for name in nodes)
    decoder = sum(node.op_type == 'Conv' for node in exported.converted.model.graph.node)
    assert asked[0] > decoder > 0 and asked[0.1] == asked[0] + decoder


def test_anchors_are_told_and_another_coloring_only_changes_their_colors(session, photos):
    own, other = (colorize(session, photos, vividness=1, variant=variant) for variant in (0, 1))
    assert own[contract.ANCHORS].shape == (2, anchors.COUNT, 5)
    np.testing.assert_allclose(own[contract.ANCHORS][..., 4].sum(-1), 1, atol=1e-3)
    np.testing.assert_array_equal(own[contract.ANCHORS][..., [0, 1, 4]], other[contract.ANCHORS][..., [0, 1, 4]])
    changed = np.abs(own[contract.ANCHORS] - other[contract.ANCHORS]).max() > 1
    assert changed == (np.abs(own[contract.AB] - other[contract.AB]).max() > 1)
    np.testing.assert_array_equal(own[contract.PROBABILITIES], other[contract.PROBABILITIES])


def test_hints_reach_the_network_where_they_are(session, photos):
    without = colorize(session, photos, vividness=0)[contract.AB]
    hinted = colorize(session, photos, [(0.25, 0.75, 220, 30, 30)], vividness=0)[contract.AB]
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
    colors = random.normal(0, spread, (2, 20, 30, 2)).astype('float32')
    photos = verify.pictures(301, 207)
    ours = join.run(None, {contract.PHOTO: photos, contract.AB: colors})[0]
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


def test_a_gray_photo_gives_the_same_bytes_beside_one_colored_pixel(join):
    """Gray strips take a shorter way to the luminance than others."""
    gray = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 64, 300, 1), 'uint8'), 3, -1)
    marked = gray.copy()
    marked[0, ::8, 0] = 200, 30, 30
    ab = np.random.default_rng(1).normal(0, 30, (1, 8, 8, 2)).astype('float32')
    a, b = (join.run(None, {contract.PHOTO: photo, contract.AB: ab})[0] for photo in (gray, marked))
    assert np.array_equal(a[:, :, 1:], b[:, :, 1:])


@pytest.mark.parametrize('depth', contract.JOINS)
def test_bands_of_a_photo_give_the_bytes_of_the_whole(depth):
    session = quiet_session(pipeline.build_join(depth).SerializeToString())
    photos = verify.pictures(150, 40).astype(depth) * (np.iinfo(depth).max // 255)
    ab = np.random.default_rng(0).normal(0, 30, (2, 9, 7, 2)).astype('float32')
    whole = session.run(None, {contract.PHOTO: photos, contract.AB: ab})[0]
    for rows in (1, 2, 7, 64, 65, 149, 150):
        bands = [
            session.run(
                None, {contract.PHOTO: photos[:, i : i + rows], contract.AB: ab, contract.ROWS: np.array([i, 150])}
            )[0]
            for i in range(0, 150, rows)
        ]
        assert np.array_equal(np.concatenate(bands, axis=1), whole)
    outside = {contract.PHOTO: photos, contract.AB: ab, contract.ROWS: np.array([-5, -5])}
    assert np.array_equal(session.run(None, outside)[0], whole)  # clipped to what can be


def test_words_keep_all_their_levels():
    session = quiet_session(pipeline.build_join(np.uint16).SerializeToString())
    gray = np.repeat(np.arange(65536, dtype='uint16').reshape(1, 256, 256, 1), 3, -1)
    same = session.run(None, {contract.PHOTO: gray, contract.AB: np.zeros((1, 1, 1, 2), 'float32')})[0]
    assert np.abs(same.astype(int) - gray).max() <= 1
