"""What the page opens and decodes once, networks and previews, and when it runs a network."""

import base64
import io
import os
import threading
import time
import types
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import pyvips
from files import chunk, png
from PIL import Image

from demo import app, colorizers
from demo.colorizers import Colorizers
from demo.page import photo as photo_page
from demo.page import words
from demo.page.studio import Detail, Given
from demo.server import retention
from lumachrome import colorizer, contract, photofile, session
from lumachrome.adjustments import Adjustments
from lumachrome.errors import ModelError


@pytest.fixture
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    return standins


def test_a_file_is_opened_once_by_all_its_names(shipped, monkeypatch):
    opened, barrier = [], threading.Barrier(4)
    monkeypatch.setattr(colorizers, 'Colorizer', lambda *given: opened.append(given) or colorizer.Colorizer(*given))
    open_colorizer, found = Colorizers([session.CPU]), []
    monkeypatch.chdir(shipped)

    def ask(name):
        barrier.wait(10)
        found.append(open_colorizer(name))

    names = [None, 'plain', shipped / 'plain.onnx', 'plain.onnx']
    threads = [threading.Thread(target=ask, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1 and opened[0][1] == [session.CPU] and len(set(map(id, found))) == 1
    assert open_colorizer('steered') is not found[0]
    with pytest.raises(ModelError, match='There is no model named nobody'):
        open_colorizer('nobody')


def _given(path=None, model='plain', given=(), **settings):
    """What an event of the page comes with."""
    about = {name: settings.pop(name) for name in list(settings) if name in Detail.model_fields}
    return Given(path and str(path), model, list(given), settings, Detail(**about))


def test_a_preview_is_decoded_once_and_missed_when_it_is_gone(shipped, tmp_path, monkeypatch):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    Image.fromarray(np.full((30, 40), 128, np.uint8)).save(tmp_path / 'a.png')
    page, opened = photo_page.PhotoPage(Colorizers()), []
    seen = page.begin(None, _given(tmp_path / 'a.png'))[0]
    decode = Image.open
    monkeypatch.setattr(Image, 'open', lambda *given: opened.append(given) or decode(*given))
    pictures = [page.tint(None, seen, _given(saturation=value))['after'] for value in (0, 0.5, 1)]
    assert opened == [] and len({Path(path).read_bytes() for path in pictures}) == 3
    photo_page._previews.clear()
    page.tint(None, seen, _given())
    assert opened == [(seen.before,)]
    small = page.tint(None, seen, _given(rough=True))['rough']  # while a slider moves
    with decode(io.BytesIO(base64.b64decode(small.partition(',')[2]))) as picture:
        assert picture.size == (20, 15)
    for _ in range(photo_page.DECODED + 1):
        page.begin(None, _given(tmp_path / 'a.png'))
    assert len(photo_page._previews) == photo_page.DECODED
    (tmp_path / seen.before).unlink()
    with pytest.raises(gr.Error, match='no longer on the server'):
        page.tint(None, seen, _given())


@pytest.mark.parametrize('language', words.WORDS)
def test_what_a_file_cannot_keep_is_said_of_its_one_page(language, shipped, gray, tmp_path, monkeypatch):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    request: Any = types.SimpleNamespace(headers={'accept-language': language})
    bad = bytearray(chunk(b'tEXt', b'Author\0me'))
    bad[-1] ^= 1  # the check sum
    one = png(tmp_path / 'one.png', gray, late=[bytes(bad)])
    picture = Image.fromarray(gray)
    picture.save(tmp_path / 'two.tif', save_all=True, append_images=[picture])
    page, said = photo_page.PhotoPage(Colorizers()), []
    for path in (one, tmp_path / 'two.tif'):
        shown = page.begin(request, _given(path))[1]
        said.append(shown['warning'])
        assert shown['status'].count('·') == 2
    if language == 'en':
        assert 'one.png says things about itself' in said[0] and 'first' not in said[0]
        assert 'two.tif has 2 pages or frames; this is the first one.' in said[1]
    else:
        assert not any('pages' in each or 'says' in each for each in said) and '略去' in said[0] and '2 页' in said[1]


def test_a_decoded_photo_stays_in_memory_no_longer_than_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_page, '_photos', retention.Kept(1))
    with retention.swept(tmp_path, seconds=60, pause=0.02):
        path = str(tmp_path / 'photo.png')
        Image.fromarray(np.full((30, 40), 128, np.uint8)).save(path)
        photo = photo_page._decoded(path)
        time.sleep(0.2)
        assert photo_page._decoded(path) is photo
        os.utime(path, (time.time() - 61, time.time() - 61))
        for _ in range(100):
            if not photo_page._photos:
                break
            time.sleep(0.05)
    assert not photo_page._photos and not Path(path).exists()
    monkeypatch.setattr(photo_page, 'KEPT_PIXELS', 1199)
    Image.fromarray(np.full((30, 40), 128, np.uint8)).save(path)
    assert photo_page._decoded(path) and not photo_page._photos  # a large one is not kept at all
    kept = retention.Kept[int](1)
    kept.get('small', lambda: 1)
    kept.get('large', lambda: 9, fits=lambda value: value < 5)
    assert kept.get('small', lambda: 2) == 1  # and takes nobody's place


def test_what_is_saved_is_what_the_preview_showed(shipped, gray, tmp_path, monkeypatch):
    """The network runs on the preview alone; its colours are joined to the photo, transparent or of 16 bits."""
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    alpha = np.full((*gray.shape, 4), 65535, np.uint16)
    alpha[..., :3] = gray[..., None] * np.uint16(257)
    alpha[:, :20, 3] = 0
    for name, pixels in (('a.png', gray), ('deep.png', alpha)):
        pyvips.Image.new_from_array(pixels).copy(interpretation='rgb16' if pixels.ndim == 3 else 'b-w').pngsave(
            str(tmp_path / name)
        )
        page = photo_page.PhotoPage(Colorizers())
        given = _given(None, 'steered', [{'x': 0.9, 'y': 0.9, 'color': '#ff0000'}], saturation=0.5, warmth=-1)
        with monkeypatch.context() as patch:
            seen = page.begin(None, given._replace(photo=str(tmp_path / name)))[0]
            kept = photo_page._kept(seen, {})
            patch.setattr(colorizer.Colorizer, 'colors', lambda *given, **more: pytest.fail('the network ran again'))
            path = page.save(None, seen, given)['ready']
        wish = Adjustments(saturation=0.5, warmth=-1, hints=seen.hints)
        photo = photofile.read(tmp_path / name)
        expected = colorizer.Colorizer('steered').colorize(photo.pixels, wish, kept)
        np.testing.assert_array_equal(photofile.read(path).pixels, expected)
        assert expected.shape[2] == (4 if name == 'deep.png' else 3) and expected.dtype == pixels.dtype


def test_a_part_in_its_own_pixels_has_the_colors_of_the_whole():
    rng = np.random.default_rng(0)
    photo, ab = rng.integers(0, 256, (1, 90, 140, 3)).astype(np.uint8), rng.uniform(-40, 40, (1, 12, 20, 2))
    join = session.open_file(colorizer.MODELS / contract.JOINS['uint8'], [session.CPU])

    def joined(photo, ab):
        feed = {contract.PHOTO: photo, contract.AB: ab.astype(np.float32)}
        return session.compute(join, [contract.COLORIZED], feed)[0][0].astype(int)

    for left, top, right, bottom in ((0, 0, 140, 90), (0, 0, 33, 20), (37, 11, 98, 64), (101, 60, 140, 90)):
        box = (left / 140, top / 90, right / 140, bottom / 90)
        own = np.ascontiguousarray(photo[:, top:bottom, left:right])
        part = joined(own, photo_page._part_of(ab[0], box, own.shape[1:3])[None])
        assert np.abs(part - joined(photo, ab)[top:bottom, left:right]).max() <= 1


def test_other_colorings_cost_a_run_each_but_for_the_one_that_is_shown(shipped, gray, tmp_path, monkeypatch):
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    Image.fromarray(gray).save(tmp_path / 'a.png')
    page, asked, colors = photo_page.PhotoPage(Colorizers()), [], colorizer.Colorizer.colors
    monkeypatch.setattr(
        colorizer.Colorizer,
        'colors',
        lambda *given, **more: (asked.append(given[2].variant), colors(*given, **more))[1],
    )
    given = _given(tmp_path / 'a.png', 'steered', saturation=0.5)

    def redness(source):
        file = io.BytesIO(base64.b64decode(source.split(',')[1])) if source.startswith('data:') else source
        pixels = np.asarray(Image.open(file)).astype(int)
        return (pixels[..., 0] - pixels[..., 1]).mean()

    seen, first = page.begin(None, given)
    first = redness(first['after'])
    for chosen in (0, 2):
        given = _given(None, 'steered', saturation=0.5, variant=chosen)
        if chosen:
            before = seen.colors
            seen, shown = page.look(None, seen, given)
            assert redness(shown['after']) - first == pytest.approx(5 * chosen, abs=1)
            assert not Path(before).exists()
        asked.clear()
        offered = page.variants(None, seen, given)['variants']
        assert asked == [variant for variant in range(4) if variant != chosen]
        np.testing.assert_allclose([redness(source) - first for source in offered], [0, 5, 10, 15], atol=1)
        asked.clear()
    hinted = [{'x': 0.9, 'y': 0.9, 'color': '#808080'}]
    seen = page.look(None, seen, given._replace(hints=hinted))[0]
    page.suggest(None, seen, _given(x=0.9, y=0.9, hint=0))
    assert asked == [2, 2]  # hints go with what was chosen
    page.look(None, seen, given._replace(model='plain'))
    assert asked.pop() == 0  # a network that has none is asked for none


@pytest.mark.parametrize(
    'features', [(), (contract.DISTRIBUTION,), (contract.DISTRIBUTION, contract.TAKES_HINTS, contract.ANCHORED)]
)
def test_other_colorings_are_for_networks_that_have_them(features):
    known = types.SimpleNamespace(features=features, takes_hints=contract.TAKES_HINTS in features)
    shown = {block.elem_id: block.visible for block in app.build(open_colorizer=lambda _: known).blocks.values()}
    assert shown['album-variant'] == (contract.ANCHORED in features)
    assert shown['album-vividness'] == (contract.DISTRIBUTION in features)


def test_who_names_no_network_gets_the_pages_own(shipped, monkeypatch):
    asked = []
    opened = Colorizers()
    page = app.build('steered', lambda name: asked.append(name) or opened(name))
    (call,) = [each for each in page.fns.values() if each.api_name == 'colorize']
    own = call.fn.__self__ if hasattr(call.fn, '__self__') else None
    assert own is not None and own._open(None).name == 'steered' and own._open('plain').name == 'plain'
    assert asked[-2:] == ['steered', 'plain']
