"""What the static page states once more in TypeScript, against what Python and the files say."""

import itertools

import numpy as np
import onnxruntime
import pytest
from static_page import asked

from demo.web import settings
from lumachrome import contract, hints, photofile
from lumachrome.adjustments import Adjustments, Colors, Palette
from lumachrome.colorizer import MODELS


def test_the_settings_are_those_of_python():
    assert settings.PATH.read_text('utf-8') == settings.text(), 'python -m demo.web.settings'


@pytest.fixture
def colors():
    rng = np.random.default_rng(0)
    bins = rng.uniform(-60, 60, (30, 2)).astype('float32')
    probabilities = rng.dirichlet(np.full(30, 0.2), (8, 12)).astype('float32')
    return Colors(rng.normal(0, 30, (8, 12, 2)).astype('float32'), probabilities, bins)


def _given(colors):
    return {
        'ab': colors.ab.ravel().tolist(),
        'probabilities': colors.probabilities.ravel().tolist(),
        'bins': colors.bins.ravel().tolist(),
    }


_COLORS = """
    const floats = ({ ab, probabilities, bins }) => {
        const of = { ab, probabilities, bins };
        for (const name in of) of[name] = Float32Array.from(of[name]);
        return { ...of, height: 8, width: 12, faithful: web.meanOf(of.probabilities, of.bins) };
    };
"""


def test_what_is_set_does_to_the_colors_what_it_does_in_python(colors, tmp_path):
    palettes = (None, Palette((5, -10), (20, 3)), Palette((0, 0), (500, 0)))
    grid = [
        {'vividness': v, 'saturation': s, 'warmth': w, 'palette': p, 'strength': t}
        for v, s, w, p, t in itertools.product((0, 0.35, 1), (0, 0.7, 2), (-1, 0.2), palettes, (0, 0.6))
    ]
    given = [
        {**each, 'palette': each['palette'] and {'mean': each['palette'].mean, 'spread': each['palette'].spread}}
        for each in grid
    ]
    script = f'{_COLORS} return given.sets.map(set => web.applied({{ ...web.AS_THEY_COME, ...set }}, floats(given)));'
    got = asked(tmp_path, ['engine/adjustments.ts'], script, {**_given(colors), 'sets': given})
    want = [Adjustments(**each).applied(colors).ravel() for each in grid]
    np.testing.assert_allclose(got, want, atol=2e-3)


def test_suggestions_are_those_of_python(colors, tmp_path):
    places = [(x, y) for x in (0, 0.3, 0.99) for y in (0.1, 0.5, 1)]
    script = f'{_COLORS} return given.places.map(([x, y]) => web.suggestions(floats(given), x, y));'
    sources = ['engine/adjustments.ts', 'engine/suggestions.ts']
    got = asked(tmp_path, sources, script, {**_given(colors), 'places': places})
    for place, suggested in zip(places, got, strict=True):
        np.testing.assert_allclose(suggested, hints.suggestions(colors, *place), atol=1e-4)


def test_a_photo_is_shown_as_the_file_shows_it(tmp_path):
    render = onnxruntime.InferenceSession(MODELS / contract.RENDER)
    rng = np.random.default_rng(2)
    script = """
        const [height, width] = given.shape, photo = Uint8Array.from(given.photo);
        const [h, w] = web.renderedShape(height, width, given.size);
        const read = (y, out) => out.set(photo.subarray(y * width * 3, (y + 1) * width * 3));
        return { shape: [h, w], shown: web.shrink(read, height, width, h, w) };
    """
    for shape, size in (((70, 90), 32), ((33, 47), 64), ((1, 200), 32), ((100, 64), 64)):
        photo = rng.integers(0, 256, (*shape, 3), dtype='uint8')
        got = asked(
            tmp_path, ['engine/render.ts'], script, {'shape': shape, 'size': size, 'photo': photo.ravel().tolist()}
        )
        [want] = render.run(None, {'photo': photo[None], 'render_size': np.array([size])})
        assert tuple(got['shape']) == want.shape[1:3] == contract.rendered_shape(*shape, size)
        assert np.abs(np.array(got['shown']) - want.ravel().astype(int)).max() <= 1


def test_a_palette_is_that_of_python(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype='uint8')
    sources = ['engine/adjustments.ts', 'engine/lab.ts']
    script = 'return web.paletteOf(web.abOf(Uint8Array.from(given)));'
    got = asked(tmp_path, sources, script, pixels.ravel().tolist())
    want = photofile.palette(pixels)
    np.testing.assert_allclose((got['mean'], got['spread']), (want.mean, want.spread), atol=0.3)
