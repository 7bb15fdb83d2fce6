"""The demo: Colorizer and the command line, on networks whose colours are known beforehand."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from lumachrome import album, colorizer, contract
from lumachrome.__main__ import main
from lumachrome.colorizer import CPU, CUDA, Colorizer
from lumachrome.errors import ModelError, ProviderError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


# ---- Colorizer


def test_every_shape_of_array_gives_the_same_colours(gray):
    plain = Colorizer('plain')
    coloured = plain.colorize(gray)
    assert coloured.shape == (31, 45, 3) and coloured.dtype == np.uint8
    assert (coloured[0, :, 0] == gray[0] + 40).all() and (coloured[-1, :, 2] == gray[-1] + 40).all()
    np.testing.assert_array_equal(plain.colorize(gray[..., None]), coloured)
    np.testing.assert_array_equal(plain.colorize(np.stack([gray] * 3, axis=-1)), coloured)
    np.testing.assert_array_equal(plain.colorize(np.asfortranarray(gray)), coloured)


def test_sixteen_bits_stay_sixteen_bits(gray):
    deep = gray.astype(np.uint16) * 257 + 3
    coloured = Colorizer('plain').colorize(deep, saturation=0.5)
    assert coloured.dtype == np.uint16
    np.testing.assert_array_equal(coloured[0, :, 0], deep[0] + 20 * 257)
    np.testing.assert_array_equal(coloured[..., 1], deep)


def test_saturation_without_the_network_equals_saturation_with_it(gray):
    plain = Colorizer('plain')
    ab = plain.colors(gray)
    assert ab.shape == (2, 2, 2)
    for saturation in (0, 0.4, 1, 2):
        np.testing.assert_array_equal(
            plain.join(gray, ab, saturation), plain.colorize(gray, saturation=saturation), str(saturation)
        )
    np.testing.assert_array_equal(plain.join(gray, ab, 9), plain.join(gray, ab, contract.limits(contract.SATURATION)[1]))


def test_every_setting_reaches_the_network(gray):
    steered = Colorizer('steered')
    usual = steered.colors(gray)
    np.testing.assert_allclose(steered.colors(gray, vividness=1.0), usual)  # the vivid point is the default
    np.testing.assert_allclose(steered.colors(gray, vividness=0.0), usual / 3, rtol=1e-6)
    np.testing.assert_allclose(steered.colors(gray, render_size=500) - usual, 0.5, rtol=1e-4)
    hinted = steered.colors(gray, hints=[(0.9, 0.9, 255, 0, 0), (0.1, 0.9, 9, 9, 9)], vividness=0)
    np.testing.assert_array_equal(hinted[1, 1], [80, 0])
    np.testing.assert_array_equal(hinted[1, 0], [0, 0])
    np.testing.assert_allclose(hinted[0], usual[0] / 3, rtol=1e-6)
    np.testing.assert_array_equal(steered.colors(gray, hints=[]), usual)


def test_one_run_says_all_that_the_network_knows(gray):
    steered = Colorizer('steered')
    hints = [(0.9, 0.9, 255, 0, 0)]
    guess = steered.guess(gray, render_size=64, hints=hints)
    np.testing.assert_array_equal(guess.ab, steered.colors(gray, render_size=64, hints=hints))
    assert guess.probabilities.shape == (2, 2, len(guess.bins))
    np.testing.assert_allclose(guess.probabilities.sum(-1), 1, rtol=1e-6)
    plain = Colorizer('plain').guess(gray)
    assert plain.probabilities is None and plain.bins is None
    np.testing.assert_array_equal(plain.ab, Colorizer('plain').colors(gray))


def test_pillow_images_come_back_as_pillow_images(gray):
    plain = Colorizer('plain')
    coloured = plain.colorize(Image.fromarray(gray))
    assert coloured.mode == 'RGB'
    np.testing.assert_array_equal(np.asarray(coloured), plain.colorize(gray))
    alpha = Image.fromarray(np.arange(31 * 45, dtype=np.uint8).reshape(31, 45))
    image = Image.fromarray(gray).convert('RGBA')
    image.putalpha(alpha)
    coloured = plain.colorize(image)
    assert coloured.mode == 'RGBA' and coloured.getchannel('A').tobytes() == alpha.tobytes()
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    np.testing.assert_array_equal(np.asarray(plain.colorize(deep)), plain.colorize(gray))
    turned = Image.fromarray(gray)
    turned.getexif()[0x0112] = 6
    assert plain.colorize(turned).size == (31, 45)


@pytest.mark.parametrize(
    ('image', 'error'),
    [
        (np.zeros((4, 4), np.float32), TypeError),
        (np.zeros((4, 4, 2), np.uint8), ValueError),
        (np.zeros((4, 4, 4), np.uint8), ValueError),
        (np.zeros((0, 4), np.uint8), ValueError),
        (np.zeros((1, 4, 4, 3), np.uint8), ValueError),
        (Image.new('F', (4, 4)), ValueError),
    ],
)
def test_what_is_no_photo_is_refused(image, error):
    with pytest.raises(error, match=r'photo|mode F'):
        Colorizer('plain').colorize(image)


def test_settings_that_the_network_lacks_are_refused(gray):
    plain = Colorizer('plain')
    assert not plain.takes_hints and not plain.takes_vividness
    with pytest.raises(ModelError, match='plain has no vividness'):
        plain.colorize(gray, vividness=0.5)
    with pytest.raises(ModelError, match='plain takes no colour hints'):
        plain.colorize(gray, hints=[(0.5, 0.5, 255, 0, 0)])


def test_threads_share_a_colorizer(gray):
    steered = Colorizer('steered')
    photos = [np.full((20 + n, 30), 90 + n, np.uint16) * 257 for n in range(24)]
    expected = [steered.colorize(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        fresh = Colorizer('steered')
        for got, want in zip(pool.map(fresh.colorize, photos), expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_models_are_what_lies_in_the_folder(standins, tmp_path, monkeypatch):
    assert list(colorizer.models()) == ['plain', 'steered']  # without the joins
    assert Colorizer().name == 'plain'
    for name in ('article', 'another', 'lumachrome', 'unet'):
        (tmp_path / f'{name}.onnx').write_bytes((standins / 'plain.onnx').read_bytes())
    monkeypatch.setattr(colorizer, 'MODELS', tmp_path)
    assert list(colorizer.models()) == ['lumachrome', 'unet', 'article', 'another']
    assert Colorizer(tmp_path / 'article.onnx').path == tmp_path / 'article.onnx'
    assert Colorizer().metadata == {'format': '1', 'network': 'plain'}


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
        ('newer', 'has format 2'),
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
        else:
            onnx.helper.set_model_props(good, {} if content == 'foreign' else {'lumachrome.format': '2'})
        path.write_bytes(good.SerializeToString())
    with pytest.raises(ModelError, match=words) as error:
        Colorizer(path)
    assert 'bad.onnx' in str(error.value) and '\n' not in str(error.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match='no model named colorful; there are: plain, steered'):
        Colorizer('colorful')


def test_a_provider_asked_for_by_name_is_had_or_is_an_error(monkeypatch, capfd):
    monkeypatch.setattr(colorizer, '_has_gpu', lambda: False)
    assert Colorizer('plain').provider == CPU
    assert Colorizer('plain', providers=[CPU]).provider == CPU
    with pytest.raises(ProviderError, match='QuantumExecutionProvider is not in this onnxruntime'):
        Colorizer('plain', providers=['QuantumExecutionProvider'])
    with pytest.raises(ProviderError, match=CUDA):
        Colorizer('plain', providers=[CUDA])
    assert capfd.readouterr() == ('', '')  # none of onnxruntime's red lines


# ---- the command line


@pytest.fixture
def folder(gray, tmp_path):
    top = tmp_path / 'album'
    (top / 'summer' / '1931').mkdir(parents=True)
    (top / '.hidden').mkdir()
    image = Image.fromarray(gray)
    image.save(top / 'a [1].jpg')
    image.save(top / 'summer' / 'b.PNG')
    image.save(top / 'summer' / '1931' / 'ç.tif')
    image.save(top / '.hidden' / 'no.jpg')
    (top / 'notes.txt').write_text('not a photo')
    return top


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


def test_a_folder_is_coloured_with_its_structure(folder, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['colorize', str(folder), '-o', str(out)]) == 0
    assert names(out) == ['a [1].jpg', 'summer/1931/ç.tif', 'summer/b.PNG']
    pixels = np.asarray(Image.open(out / 'summer' / 'b.PNG')).astype(int)
    assert (pixels[0, :, 0] - pixels[0, :, 1] == 40).all()
    said = capsys.readouterr()
    assert '3 photos coloured with plain on CPUExecutionProvider' in said.out and '3/3' in said.err


def test_nothing_is_overwritten_without_force(folder, tmp_path, capsys):
    out = tmp_path / 'out'
    command = ['colorize', str(folder / 'summer' / 'b.PNG'), '-o', str(out)]
    assert main(command) == 0
    (out / 'b.PNG').write_bytes(b'mine')
    assert main(command) == 1
    assert 'b.PNG is there already: use --force' in capsys.readouterr().err
    assert (out / 'b.PNG').read_bytes() == b'mine'
    assert main([*command, '--force']) == 0
    assert Image.open(out / 'b.PNG').mode == 'RGB'


def test_a_photo_is_never_replaced_by_its_result(folder, capsys):
    before = (folder / 'a [1].jpg').read_bytes()
    assert main(['colorize', str(folder), '-o', str(folder), '--force']) == 1
    assert 'choose another folder' in capsys.readouterr().err
    assert (folder / 'a [1].jpg').read_bytes() == before


def test_a_bad_file_does_not_spoil_the_rest(folder, tmp_path, capsys):
    (folder / 'b.jpg').write_bytes((folder / 'a [1].jpg').read_bytes()[:200])
    out = folder / 'out'  # inside: a second run must not colour the results of the first
    assert main(['colorize', str(folder), str(tmp_path / 'missing.jpg'), '-o', str(out)]) == 1
    assert names(out) == ['a [1].jpg', 'summer/1931/ç.tif', 'summer/b.PNG']
    errors = capsys.readouterr().err
    assert 'b.jpg is damaged' in errors and 'missing.jpg does not exist' in errors
    assert '2 of 5 photos were not coloured' in errors and 'Traceback' not in errors
    assert len(album.tasks([folder], out)) == 4


def test_two_photos_never_share_a_result(folder, gray, tmp_path):
    Image.fromarray(gray).save(folder / 'x.gif')
    Image.fromarray(gray).save(folder / 'x.bmp')
    out = tmp_path / 'out'
    assert main(['colorize', str(folder / 'x.gif'), str(folder / 'x.bmp'), '-o', str(out), '--force']) == 0
    assert names(out) == ['x (2).png', 'x.png']


def test_several_folders_keep_their_names(folder, tmp_path):
    found = album.tasks([folder, folder / 'summer'], tmp_path / 'out')
    assert {str((task.folder / task.stem).relative_to(tmp_path / 'out')) for task in found} == {
        'album/a [1]',
        'album/summer/b',
        'album/summer/1931/ç',
        'summer/b',
        'summer/1931/ç',
    }


def test_one_photo_may_get_a_name(folder, tmp_path, capsys):
    target = tmp_path / 'deep' / 'colour.jpg'
    options = [
        '--saturation',
        '0',
        '--model',
        'steered',
        '--vividness',
        '0',
        '--render-size',
        '64',
        '--provider',
        'cpu',
    ]
    assert main(['colorize', str(folder / 'a [1].jpg'), '-o', str(target), *options]) == 0
    pixels = np.asarray(Image.open(target)).astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() <= 2
    assert main(['colorize', str(folder / 'summer' / 'b.PNG'), '-o', str(tmp_path / 'b.jpg')]) == 1
    assert 'is written as PNG: name the result b.PNG' in capsys.readouterr().err and not (tmp_path / 'b.jpg').exists()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--model', 'nobody'], 'no model named nobody'),
        (['--vividness', '0.5'], 'plain has no vividness'),
        (['--saturation', '5'], 'from 0.0 to 4.0'),
        (['--render-size', '7'], '0 or from 32 to 1024'),
        (['--saturation', 'nan'], 'from 0.0 to 4.0'),
    ],
)
def test_a_wrong_setting_is_said_before_any_work(arguments, words, folder, tmp_path, capsys):
    try:
        code = main(['colorize', str(folder), '-o', str(tmp_path / 'out'), *arguments])
    except SystemExit as error:
        code = error.code
    assert code and words in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_an_empty_folder_is_an_error(folder, tmp_path, capsys):
    (tmp_path / 'empty').mkdir()
    assert main(['colorize', str(tmp_path / 'empty'), str(folder), '-o', str(tmp_path / 'out')]) == 1
    assert 'empty holds no photos' in capsys.readouterr().err
    assert len(names(tmp_path / 'out')) == 3


@pytest.mark.parametrize(('given', 'kept'), [(None, 'False'), ('True', 'True')])
def test_telemetry_is_off_unless_somebody_wants_it(given, kept):
    env = {name: value for name, value in os.environ.items() if name != 'GRADIO_ANALYTICS_ENABLED'}
    env |= {'GRADIO_ANALYTICS_ENABLED': given} if given else {}
    code = 'import demo.app, gradio; print(gradio.Blocks().analytics_enabled)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == kept, done.stderr


def test_the_demo_loads_neither_training_nor_export():
    code = (
        'import sys, lumachrome.__main__, demo.__main__, demo.app; '
        'print([name for name in ("tensorflow", "keras", "skimage", "training", "export") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.stdout.strip() == '[]', done.stderr
