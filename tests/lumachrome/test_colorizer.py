"""Colorizer, on networks whose colours are known beforehand."""

import importlib.util
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from lumachrome import Adjustments, Colorizer, Hint, colorizer, contract, session
from lumachrome.errors import ModelError, ProviderError, UserError
from lumachrome.session import CPU, CUDA


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


# ---- Colorizer


def test_every_shape_of_array_gives_the_same_colours(gray):
    plain = Colorizer('plain')
    colored = plain.colorize(gray)
    assert colored.shape == (31, 45, 3) and colored.dtype == np.uint8
    assert (colored[0, :, 0] == gray[0] + 40).all() and (colored[-1, :, 2] == gray[-1] + 40).all()
    np.testing.assert_array_equal(plain.colorize(gray[..., None]), colored)
    np.testing.assert_array_equal(plain.colorize(np.stack([gray] * 3, axis=-1)), colored)
    np.testing.assert_array_equal(plain.colorize(np.asfortranarray(gray)), colored)


def test_sixteen_bits_stay_sixteen_bits(gray):
    deep = gray.astype(np.uint16) * 257 + 3
    colored = Colorizer('plain').colorize(deep, Adjustments(saturation=0.5))
    assert colored.dtype == np.uint16
    np.testing.assert_array_equal(colored[0, :, 0], deep[0] + 20 * 257)
    np.testing.assert_array_equal(colored[..., 1], deep)


def test_kept_colors_are_joined_without_the_network(gray, monkeypatch):
    steered = Colorizer('steered')
    colors = steered.colors(gray)
    wishes = [Adjustments(), Adjustments(saturation=0.4), Adjustments(vividness=0, warmth=0.5)]
    expected = [steered.colorize(gray, wish) for wish in wishes]
    monkeypatch.setattr(steered, '_session', None)
    for wish, want in zip(wishes, expected, strict=True):
        np.testing.assert_array_equal(steered.colorize(gray, wish, colors), want)
    np.testing.assert_array_equal(steered.join(gray, colors.ab.astype(float)), expected[0])  # NumPy's usual floats
    larger = np.repeat(np.repeat(gray, 3, 0), 3, 1)
    np.testing.assert_array_equal(steered.colorize(larger, colors=colors)[::3, ::3], expected[0])


@pytest.mark.parametrize('depth', contract.JOINS)
def test_a_photo_is_joined_band_by_band(gray, depth):
    photo, plain = gray.astype(depth), Colorizer('plain')
    ab = np.random.default_rng(0).normal(0, 20, (7, 5, 2))
    whole = plain.join(photo, ab)
    for rows in (1, 4, 31):
        bands = [plain.join(photo[i : i + rows], ab, rows=(i, len(gray))) for i in range(0, len(gray), rows)]
        np.testing.assert_array_equal(np.concatenate(bands), whole)
    for rows in ((-1, 31), (1, 31), (0, 30)):
        with pytest.raises(ValueError, match=r'^31 rows from -?\d on are no band of a photo with 3\d'):
            plain.join(photo, ab, rows)
    for shape in ((5, 5), (5, 5, 3), (0, 5, 2)):
        with pytest.raises(ValueError, match=r'^Colours have the shape \[h, w, 2\], not \['):
            plain.join(photo, np.zeros(shape))


def test_pixels_of_either_byte_order_are_the_same_photo(gray):
    plain, deep = Colorizer('plain'), gray.astype(np.uint16) * 257
    np.testing.assert_array_equal(plain.colorize(deep.astype('>u2')), plain.colorize(deep))


def test_a_tail_from_before_bands_still_joins_whole_photos(gray, standins, tmp_path, monkeypatch):
    plain = Colorizer('plain')
    ab = np.zeros((2, 2, 2))
    old = onnx.load(standins / 'join.onnx')
    del old.graph.input[2]  # what is left is a constant
    onnx.save(old, tmp_path / 'join.onnx')
    monkeypatch.setattr(colorizer, 'MODELS', tmp_path)
    np.testing.assert_array_equal(plain.join(gray, ab)[..., 1], gray)
    with pytest.raises(ModelError, match=r'join\.onnx knows no bands: make it anew with `python -m export parts'):
        plain.join(gray, ab, rows=(0, 40))


def test_as_many_threads_as_are_asked_for(gray, monkeypatch):
    opened, open_file = [], session.open_file

    def note(path, providers, threads):
        found = open_file(path, providers, threads)
        opened.append(found.get_session_options().intra_op_num_threads)
        return found

    monkeypatch.setattr(session, 'open_file', note)
    for threads in (None, 1, 2):
        opened.clear()
        Colorizer('plain', threads=threads).colorize(gray)
        assert opened == [threads or 0] * 3
    for threads in (0, 1025, 10**6, 1.5, 'many', True, [2]):
        with pytest.raises(UserError, match=r'^threads is a whole number, from 1 to 1024, not .*\.$'):
            Colorizer('plain', threads=threads)


def test_every_setting_reaches_the_network(gray):
    steered = Colorizer('steered')
    usual = steered.colors(gray)
    np.testing.assert_allclose(steered.colors(gray, Adjustments(render_size=500)).ab - usual.ab, 0.244, rtol=1e-3)
    hints = (Hint(0.9, 0.9, '#ff0000'), Hint(0.1, 0.9, (9, 9, 9)), Hint(0.2, 0.9, (8, 8, 8)))
    hinted = steered.colors(gray, Adjustments(hints=hints))
    faithful = Adjustments(vividness=0).applied(hinted)
    np.testing.assert_array_equal(faithful[1, 1], [80, 0])
    np.testing.assert_array_equal(faithful[1, 0], [0, 0])
    np.testing.assert_allclose(faithful[0], usual.ab[0] / 3, rtol=1e-6)
    for variant in (1, 2, 3):
        other = steered.colors(gray, Adjustments(variant=variant))
        np.testing.assert_allclose(other.ab - usual.ab, [[[10 * variant, 0]] * 2] * 2, rtol=1e-5)
        np.testing.assert_allclose(
            Adjustments(vividness=0.5).applied(other)[..., 0], usual.ab[..., 0] * 2 / 3 + 5 * variant
        )


def test_one_run_says_all_that_the_network_knows(gray):
    colors = Colorizer('steered').colors(gray)
    assert colors.probabilities.shape == (2, 2, len(colors.bins))
    np.testing.assert_allclose(colors.probabilities.sum(-1), 1, rtol=1e-6)
    plain = Colorizer('plain').colors(gray)
    assert plain.probabilities is None and plain.bins is None


def test_transparency_stays_and_does_not_choose_the_colors(gray, monkeypatch):
    plain, shown = Colorizer('plain'), []
    compute = session.compute
    monkeypatch.setattr(session, 'compute', lambda *a: (shown.append(a[2][contract.PHOTO]), compute(*a))[1])
    for depth in (np.uint8, np.uint16):
        full = np.iinfo(depth).max
        photo = np.full((30, 40, 4), full // 2, depth)
        photo[..., 3], photo[:, :20, 3] = full, 0
        colored = plain.colorize(photo)
        assert colored.dtype == depth and (colored[..., 3] == photo[..., 3]).all()
        assert colored[0, 30, 0] == full // 2 + 40 * (full // 255)
        seen, _ = shown[-2:]
        assert (seen[:, :, :100] == 255).all() and (abs(seen[:, :, -100:].astype(int) - 127) <= 1).all()


def test_pillow_images_come_back_as_pillow_images(gray):
    plain = Colorizer('plain')
    colored = plain.colorize(Image.fromarray(gray))
    assert colored.mode == 'RGB'
    np.testing.assert_array_equal(plain.colors(Image.fromarray(gray).convert('LA')).ab, plain.colors(gray).ab)
    np.testing.assert_array_equal(np.asarray(colored), plain.colorize(gray))
    alpha = Image.fromarray(np.arange(31 * 45, dtype=np.uint8).reshape(31, 45))
    image = Image.fromarray(gray).convert('RGBA')
    image.putalpha(alpha)
    colored = plain.colorize(image)
    assert colored.mode == 'RGBA' and colored.getchannel('A').tobytes() == alpha.tobytes()
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    np.testing.assert_array_equal(np.asarray(plain.colorize(deep)), plain.colorize(gray))
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    green = np.asarray(plain.colorize(Image.fromarray(every)))[..., 1]
    np.testing.assert_array_equal(green, np.round(every / 257))  # the nearest of 256 levels, whatever it was
    turned = Image.fromarray(gray)
    turned.getexif()[0x0112] = 6
    assert plain.colorize(turned).size == (31, 45)


@pytest.mark.parametrize(
    ('image', 'error'),
    [
        (np.zeros((4, 4), np.float32), TypeError),
        (np.zeros((4, 4, 2), np.uint8), ValueError),
        (np.zeros((4, 4, 5), np.uint8), ValueError),
        (np.zeros((0, 4), np.uint8), ValueError),
        (np.zeros((1, 4, 4, 3), np.uint8), ValueError),
        ([[0, 1], [2, 3]], TypeError),
        (Image.new('F', (4, 4)), ValueError),
        (Image.new('I', (4, 4)), ValueError),
    ],
)
def test_what_is_no_photo_is_refused(image, error):
    with pytest.raises(error, match=r'A photo |mode [FI] has no known range'):
        Colorizer('plain').colorize(image)


def test_settings_that_the_network_lacks_are_refused(gray):
    plain = Colorizer('plain')
    assert not plain.takes_hints and not plain.predicts_distribution
    for wish, words in (
        (Adjustments(vividness=0.5), 'plain has no vividness'),
        (Adjustments(variant=1), 'plain has no variant: it cannot give itself hints'),
        (Adjustments(reach=2), 'plain has no reach: it takes no hints, or its file is of format 1'),
        (Adjustments(hints=[Hint(0.5, 0.5, '#ff0000')]), 'plain takes no colour hints'),
    ):
        for colors in (None, plain.colors(gray)):
            with pytest.raises(ModelError, match=words):
                plain.colorize(gray, wish, colors)
        assert wish.without(plain.lacks(wish)) == Adjustments()
    plain.check(Adjustments(vividness=1, warmth=1, render_size=64))
    Colorizer('steered').check(Adjustments(vividness=0, variant=3, hints=[Hint(0.5, 0.5, '#ff0000')]))


def test_threads_share_a_colorizer(gray):
    steered = Colorizer('steered')
    photos = [np.full((20 + n, 30), 90 + n, np.uint16) * 257 for n in range(24)]
    expected = [steered.colorize(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        fresh = Colorizer('steered')
        for got, want in zip(pool.map(fresh.colorize, photos), expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_threads_that_come_at_once_open_each_file_once(gray, monkeypatch):
    plain, opened, open_file = Colorizer('plain'), [], session.open_file

    def slow(path, providers, threads):
        opened.append(path.name)
        time.sleep(0.05)
        return open_file(path, providers, threads)

    monkeypatch.setattr(session, 'open_file', slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plain.colorize, [gray] * 8))
    assert sorted(opened) == ['join.onnx', 'render.onnx']


def test_on_a_gpu_the_shrinking_stays_on_the_cpu(gray, monkeypatch):
    plain, opened, open_file = Colorizer('plain'), {}, session.open_file

    def note(path, providers, threads):
        opened[path.name] = providers
        return open_file(path, [CPU])

    monkeypatch.setattr(session, 'open_file', note)
    plain.provider = CUDA
    plain.colorize(gray)
    assert opened == {'render.onnx': [CPU], 'join.onnx': [CUDA, CPU]}


def test_models_are_what_lies_in_the_folder(standins, tmp_path, monkeypatch):
    assert list(colorizer.models()) == ['plain', 'steered']  # without the joins
    assert Colorizer().name == 'plain'
    for name in ('article', 'another', 'lumachrome', 'unet'):
        (tmp_path / f'{name}.onnx').write_bytes((standins / 'plain.onnx').read_bytes())
    monkeypatch.setattr(colorizer, 'MODELS', tmp_path)
    assert list(colorizer.models()) == ['lumachrome', 'unet', 'article', 'another']
    article = Colorizer(tmp_path / 'article.onnx')
    assert article.path == tmp_path / 'article.onnx' == Colorizer(Path('article')).path
    assert article.name == 'plain' and article.render_size == 256  # as the file says
    assert Colorizer().metadata == {'format': '2', 'network': 'plain', 'render_size': '256'}


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (None, 'does not exist'),
        (b'', 'is empty'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'git lfs pull'),
        (b'<html>not found</html>', 'is not an ONNX file'),
        ('cut', 'damaged or cut short'),
        ('opset', 'cannot be run by onnxruntime'),
        ('operator', 'cannot be run by onnxruntime'),
        ('foreign', 'not a Lumachrome one'),
        ('newer', 'has format 3, and this program reads 1 and 2'),
        ('renamed', r'breaks the contract of format 2 \(ab, shades\)'),
        ('wider', r'breaks the contract of format 2 \(photo\)'),
        ('unsized', 'does not say at which size'),
        ('folder', 'is a folder'),
    ],
)
def test_a_bad_model_is_named_with_what_to_do(content, words, standins, tmp_path):
    path = tmp_path / 'bad.onnx'
    good = onnx.load(standins / 'plain.onnx')
    if content == 'folder':
        path.mkdir()
    elif content == 'cut':
        path.write_bytes(good.SerializeToString()[:-40])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        if content == 'opset':
            good.opset_import[0].version = 99
        elif content == 'operator':
            good.graph.node[0].op_type = 'Unheard'
        elif content == 'renamed':
            good.graph.node.append(onnx.helper.make_node('Identity', ['ab'], ['shades']))
            good.graph.output[1].name = 'shades'
        elif content == 'wider':
            good.graph.input[0].type.tensor_type.shape.dim[3].Clear()
        else:
            props = {'foreign': {}, 'newer': {'lumachrome.format': '3'}, 'unsized': {'lumachrome.format': '2'}}
            onnx.helper.set_model_props(good, props[content])
        path.write_bytes(good.SerializeToString())
    with pytest.raises(ModelError, match=words) as error:
        Colorizer(path)
    assert 'bad.onnx' in str(error.value) and '\n' not in str(error.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match='no model named colorful; there are: plain, steered'):
        Colorizer('colorful')


def test_a_file_that_is_not_there_is_not_taken_for_a_name(tmp_path, monkeypatch):
    for path in ('mine.onnx', 'models/mine'):
        with pytest.raises(ModelError, match=rf'^{path} does not exist'):
            Colorizer(path)
    monkeypatch.setattr(colorizer, 'MODELS', tmp_path)
    with pytest.raises(ModelError, match=r'There is no model in .*: export one'):
        Colorizer()


def test_a_provider_that_onnxruntime_silently_replaces_is_an_error(monkeypatch):
    monkeypatch.setattr(session, 'choose_providers', lambda providers: [CPU])
    with pytest.raises(ProviderError, match=f'^{CUDA} does not work on this machine'):
        Colorizer('plain', providers=[CUDA])


def test_a_provider_asked_for_by_name_is_had_or_is_an_error(monkeypatch, capfd):
    monkeypatch.setattr(session, '_has_gpu', lambda: False)
    assert Colorizer('plain').provider == CPU
    assert Colorizer('plain', providers=[CPU]).provider == CPU
    with pytest.raises(ProviderError, match='QuantumExecutionProvider is not in this onnxruntime'):
        Colorizer('plain', providers=['QuantumExecutionProvider'])
    with pytest.raises(ProviderError, match=CUDA):
        Colorizer('plain', providers=[CUDA])
    assert capfd.readouterr() == ('', '')  # none of onnxruntime's red lines


# ---- onnxruntime


@pytest.mark.parametrize(
    ('there', 'words'), [((), 'onnxruntime cannot be loaded'), (('onnxruntime', 'onnxruntime-gpu'), 'both installed')]
)
def test_one_onnxruntime_must_be_there(there, words, monkeypatch):
    if there:
        monkeypatch.setattr(session.importlib.metadata, 'version', lambda name: '1' if name in there else None)
        session._check_one_runtime.cache_clear()
        with pytest.raises(UserError, match=words):
            Colorizer('plain')
        session._check_one_runtime.cache_clear()
    else:
        monkeypatch.setitem(sys.modules, 'onnxruntime', None)
        spec = importlib.util.find_spec('lumachrome.session')
        with pytest.raises(UserError, match=words):
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_shipped_network_gives_the_files_own_colors(monkeypatch):
    """Shown a copy at its own size, a network says exactly what it says of the whole photo."""
    monkeypatch.undo()
    shipped, random = Colorizer('article'), np.random.default_rng(0)
    steps = np.cumsum(random.normal(0, 3, (2, 211, 2)), axis=1)
    photo = (120 + steps[0, :, :1] @ steps[1, :150, 1:].T / 20).clip(0, 255).astype(np.uint8)
    whole = np.repeat(photo[..., None], 3, -1)
    for size in (0, 90):
        feed = {'photo': whole[None], 'render_size': np.array([size]), 'saturation': np.ones(1, np.float32)}
        expected, ab = shipped._session.run(['colorized', 'ab'], feed)
        wish = Adjustments(render_size=size)
        np.testing.assert_array_equal(shipped.colors(whole, wish).ab, ab[0])
        np.testing.assert_array_equal(shipped.colorize(whole, wish), expected[0])


def test_photos_together_get_the_colors_that_each_gets_alone(gray):
    """Of one that has fewer hints than another too."""
    steered = Colorizer('steered')
    shown = [np.repeat(photo[..., None], 3, -1) for photo in (gray, gray[::-1], gray)]
    hints = [(), (Hint(0.2, 0.2, '#ff0000'), Hint(0.8, 0.8, '#0000ff')), (Hint(0.2, 0.8, '#ff0000'),)]
    together = steered.colors_together(shown, hints, variant=1)
    assert len(together) == 3
    for photo, own, colors in zip(shown, hints, together, strict=True):
        [alone] = steered.colors_together([photo], [own], variant=1)
        np.testing.assert_allclose(colors.ab, alone.ab, atol=1e-5)
        np.testing.assert_allclose(colors.probabilities, alone.probabilities, atol=1e-6)
        assert colors.bins.shape == alone.bins.shape
    assert not np.allclose(together[0].ab, together[1].ab)
    assert [colors.bins for colors in Colorizer('plain').colors_together(shown, hints)] == [None] * 3
