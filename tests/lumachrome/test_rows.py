"""Photos in rows: the bytes that they have if held whole, whatever the file, in little memory, and nothing is left."""

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image
from skimage import data

from lumachrome import Adjustments, album, colorizer, contract, limits, photofile, rows, session
from lumachrome.consistent import Consistent
from lumachrome.errors import PhotoError
from lumachrome.rows import Rows

KINDS = [
    kind
    for kind in itertools.product(('jpg', 'png', 'tif', 'webp', 'gif'), (8, 16), (False, True), (1, 2, 3, 6))
    if not (kind[1] == 16 and kind[0] not in ('png', 'tif')) and not (kind[2] and kind[0] in ('jpg', 'gif'))
]


@pytest.fixture
def plain(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    return colorizer.Colorizer('plain')


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files."""
    (tmp_path / 'temporary').mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    return tmp_path / 'temporary'


def _made(path, depth, alpha, orientation):
    gray = np.asarray(Image.fromarray(data.camera()).resize((91, 67)))
    pixels = np.stack([gray] * 3 + [gray[::-1]] * alpha, -1).astype(np.uint16)
    pixels = pixels * 257 if depth == 16 else pixels.astype(np.uint8)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation='rgb16' if depth == 16 else 'srgb')
    image.set_type(pyvips.GValue.gint_type, 'orientation', orientation)
    more = {'tile': True, 'tile_width': 16, 'tile_height': 16} if path.suffix == '.tif' and alpha else {}
    image.write_to_file(str(path), **more)
    return path


@pytest.mark.parametrize(('suffix', 'depth', 'alpha', 'orientation'), KINDS)
def test_bands_give_the_bytes_of_the_whole(suffix, depth, alpha, orientation, tmp_path, plain, monkeypatch):
    monkeypatch.setattr(rows, 'BAND_PIXELS', 1000)  # some ten rows
    path = _made(tmp_path / f'x.{suffix}', depth, alpha, orientation)
    photo = photofile.read(path)
    photofile.write(tmp_path / 'whole' / f'x{photo.suffix}', plain.colorize(photo.pixels), photo)
    found = album.tasks([path], tmp_path / 'rows')
    (outcome,) = album.colorize(found, plain, album.Folder())
    assert not outcome.error
    assert outcome.target.read_bytes() == (tmp_path / 'whole' / f'x{photo.suffix}').read_bytes()


@pytest.mark.parametrize(
    ('height', 'width', 'size'), [(301, 407, 256), (1000, 700, 384), (37, 211, 256), (3, 900, 32), (900, 3, 64)]
)
def test_the_small_copy_is_that_of_the_file_within_a_level(height, width, size, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, 'BAND_PIXELS', 20_000)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    photofile.write(tmp_path / 'x.png', pixels, photofile.Photo('x.png', pixels, 'png'))
    render = session.open_file(colorizer.MODELS / contract.RENDER, [session.CPU])
    feed = {contract.PHOTO: pixels[None], contract.RENDER_SIZE: np.array([size])}
    [[expected]] = session.compute(render, [contract.SHOWN], feed)
    with photofile.read_rows(tmp_path / 'x.png')[1] as found:
        shown = found.shrunk(*contract.rendered_shape(height, width, size), lambda band: band)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1 and (shown != expected).mean() < 0.01


def test_adjustments_and_transparency_count_as_for_the_whole(tmp_path, plain, monkeypatch):
    monkeypatch.setattr(rows, 'BAND_PIXELS', 1000)
    path = _made(tmp_path / 'x.png', 8, True, 1)
    settings = Adjustments(saturation=0.5, warmth=0.3, render_size=64)
    photo = photofile.read(path)
    with photofile.read_rows(path)[1] as found:
        shown = plain.colorize_rows(found, settings)
        np.testing.assert_array_equal(found.whole(), plain.colorize(photo.pixels, settings))
    assert min(shown.shape[:2]) == 64


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif', 'webp'])
def test_a_file_that_breaks_off_is_told_and_leaves_nothing(suffix, tmp_path, temporary, plain):
    noise = np.random.default_rng(0).integers(0, 256, (600, 500, 3), np.uint8)
    pyvips.Image.new_from_array(noise).write_to_file(str(tmp_path / f'whole.{suffix}'))
    content = (tmp_path / f'whole.{suffix}').read_bytes()
    (tmp_path / f'x.{suffix}').write_bytes(content[: len(content) // 2])
    out = tmp_path / 'out'
    (outcome,) = album.colorize(album.tasks([tmp_path / f'x.{suffix}'], out), plain, album.Folder())
    assert outcome.error == f'{tmp_path / f"x.{suffix}"} is damaged or cut short and cannot be read.'
    assert not list(out.glob('*')) and not list(temporary.iterdir())


@pytest.mark.parametrize('where', ['memory', 'disk'])
def test_pixels_lie_in_memory_or_on_the_disk_and_are_gone_in_the_end(where, temporary, monkeypatch):
    monkeypatch.setattr(rows, 'IN_MEMORY', 0 if where == 'disk' else 10**6)
    pixels = np.arange(60, dtype=np.uint16).reshape(5, 4, 3)
    folder = tempfile.TemporaryDirectory()
    path, file = rows.new_file(pixels.nbytes, Path(folder.name), 'x.png')
    assert path.startswith(str(temporary)) or where == 'memory'
    file.write(pixels.tobytes())
    file.flush()
    with file, Rows(path, pixels.shape, 'uint16', folder) as found:
        np.testing.assert_array_equal(found.whole(), pixels)
        found.put(3, pixels[:2])
        ((_, band),) = found.bands()
        np.testing.assert_array_equal(band, pixels[[0, 1, 2, 0, 1]])
    assert not list(temporary.iterdir())


def test_pixels_that_fit_nowhere_are_refused_before_they_are_decoded(temporary, monkeypatch):
    monkeypatch.setattr(rows, 'IN_MEMORY', 10)
    monkeypatch.setattr(limits, 'SPARE_BYTES', 1 << 60)
    path, file = rows.new_file(1000, temporary, 'x.png')  # the disk is full, so it lies in memory
    assert not path.startswith(str(temporary))
    file.close()
    monkeypatch.setattr(limits, 'free_memory', lambda: 900)
    with pytest.raises(PhotoError, match=r'^x\.png finds no room on the disk'):
        rows.new_file(1000, temporary, 'x.png')
    assert not list(temporary.iterdir())


def test_a_small_copy_is_looked_at_as_it_is(tmp_path, standins, monkeypatch):
    """Of a side that is no multiple of the step as well, by those who keep colours from photo to photo."""
    models = shutil.copytree(standins, tmp_path / 'models')
    shutil.copy(colorizer.MODELS / contract.RENDER, models)  # not the stand-in, which makes squares
    monkeypatch.setattr(colorizer, 'MODELS', models)
    fed, compute = [], session.compute
    monkeypatch.setattr(session, 'compute', lambda *given: (fed.append(given[2]), compute(*given))[1])
    steered = colorizer.Colorizer('steered')
    for looks in (steered, Consistent(steered)):
        fed.clear()
        with photofile.read_rows(_made(tmp_path / 'x.png', 8, False, 1))[1] as found:
            shown = looks.colorize_rows(found, Adjustments(render_size=50))
        assert shown.shape == (52, 68, 3)
        [network] = [feed for feed in fed if contract.HINTS in feed]
        np.testing.assert_array_equal(network[contract.PHOTO][0], shown)


def test_what_does_not_hold_the_pixels_is_not_taken(tmp_path):
    (tmp_path / 'x').write_bytes(bytes(10))
    with pytest.raises(EOFError), tempfile.TemporaryDirectory() as folder:
        Rows(str(tmp_path / 'x'), (5, 4, 3), 'uint8', folder)


MEASURED = """
import json, resource, sys
from pathlib import Path
from lumachrome import Colorizer, album, decoding

def high():
    def peak(process): return int(Path(f'/proc/{process}/status').read_text().split('VmHWM:')[1].split()[0]) / 1000
    return [peak('self'), max(peak(decoder._process.pid) for decoder in decoding._made)]

plain, (small, large) = Colorizer(sys.argv[1]), sys.argv[2:4]
said = []
for photo in (small, small, large):
    (outcome,) = album.colorize(album.tasks([photo], sys.argv[4]), plain, album.Folder(force=True))
    said.append(high())
    assert not outcome.error, outcome.error
print(json.dumps(said[1:]))
"""


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='Only Linux says what a process had at most.')
@pytest.mark.parametrize('suffix', ['.png', pytest.param('.tif', marks=pytest.mark.slow)])
def test_forty_megapixels_take_little_more_memory_than_one(suffix, tmp_path, standins):
    for name, width, height in (('small', 1000, 900), ('large', 8000, 5000)):
        more = {'compression': 'deflate', 'tile': True} if suffix == '.tif' else {'compression': 1}
        (pyvips.Image.black(width, height) + 90).cast('uchar').write_to_file(str(tmp_path / f'{name}{suffix}'), **more)
    given = [standins / 'plain.onnx', *(tmp_path / f'{name}{suffix}' for name in ('small', 'large')), tmp_path / 'out']
    done = subprocess.run([sys.executable, '-c', MEASURED, *map(str, given)], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    (before, decoder_before), (after, decoder_after) = json.loads(done.stdout)
    assert after - before < 100 and decoder_after - decoder_before < 60  # MB; the pixels alone are 120
    assert pyvips.Image.new_from_file(str(tmp_path / 'out' / f'large{suffix}')).width == 8000
