"""Decoders in a process of their own: whatever a file does to its decoder, the photos after it come out right."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lumachrome import album, colorizer, decoding, loading, photofile
from lumachrome.errors import PhotoError

HOSTILE = Path(__file__).parents[1] / 'hostile'


@pytest.fixture
def sound(gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / 'sound.png')
    return tmp_path / 'sound.png'


@pytest.mark.parametrize('name', ['segfault-minimal.heic', 'poison-minimal.heic', 'poison-minimal.avif'])
def test_a_file_that_ends_or_poisons_its_decoder_hurts_no_other(name, sound, gray):
    for _ in range(2 * decoding.PROCESSES):  # every decoder has its turn
        with pytest.raises(PhotoError, match=rf'^{name} is damaged'):
            photofile.read(HOSTILE / name)
        np.testing.assert_array_equal(photofile.read(sound).pixels[..., 1], gray)


def test_an_album_goes_on_after_hostile_files(standins, sound, tmp_path, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    folder = tmp_path / 'album'
    folder.mkdir()
    for i, name in enumerate(['segfault-minimal.heic', 'poison-minimal.heic', 'poison-minimal.avif']):
        shutil.copy(HOSTILE / name, folder / f'{2 * i}-{name}')
        shutil.copy(sound, folder / f'{2 * i + 1}-sound.png')
    found = album.tasks([folder], tmp_path / 'out')
    outcomes = list(album.colorize(found, colorizer.Colorizer('plain'), album.Folder()))
    assert [bool(outcome.error) for outcome in outcomes] == [True, False] * 3
    assert all(outcome.target.exists() for outcome in outcomes[1::2])


@pytest.mark.parametrize('name', ['damaged-icc-signature.tif', 'heif-metadata-name.avif'])
def test_names_inside_that_are_no_text_do_not_keep_a_photo_from_being_read(name):
    assert 100 < photofile.read(HOSTILE / name).pixels.mean() < 150


def test_a_tiff_whose_strips_are_not_there_is_refused():
    with pytest.raises(PhotoError, match=r'^missing-strips\.tif is damaged or cut short'):
        photofile.read(HOSTILE / 'missing-strips.tif')  # of 196,611 rows, 36 are there


def test_a_photo_comes_through_whole(gray, tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (40, 50)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / 'deep.png')
    exif = Image.Exif()
    exif[0x010F], exif[0x829A] = 'Acme', 1 / 3
    Image.fromarray(gray).save(tmp_path / 'a.tif', exif=exif, dpi=(300, 300))
    for name in ('deep.png', 'a.tif'):
        here = loading.decode(tmp_path / name, name, photofile.MAX_PIXELS)
        there = photofile.read(tmp_path / name)
        np.testing.assert_array_equal(there.pixels, here.pixels)
        there.pixels[0, 0] = 7  # it is the caller's own
        assert {k: v for k, v in vars(there).items() if k != 'pixels'} == {
            k: v for k, v in vars(here).items() if k != 'pixels'
        }


def test_what_takes_too_long_or_too_much_is_refused_and_the_next_comes_through(sound, gray, tmp_path, monkeypatch):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (3000, 4000), np.uint8)).save(tmp_path / 'large.png')
    with monkeypatch.context() as patch:
        patch.setattr(decoding, 'SECONDS', 0.02)
        patch.setattr(decoding, 'SECONDS_A_MEGAPIXEL', 0)
        with pytest.raises(PhotoError, match=r'^large\.png takes too long to decode'):
            photofile.read(tmp_path / 'large.png')
    np.testing.assert_array_equal(photofile.read(sound).pixels[..., 1], gray)
    if sys.platform == 'linux':
        with monkeypatch.context() as patch:
            patch.setattr(decoding, 'BYTES', 10_000_000)
            patch.setattr(decoding, 'BYTES_A_PIXEL', 0)
            patch.setattr(decoding, 'SECONDS', 120)  # on a busy machine time would be over first
            with pytest.raises(PhotoError, match=r'^large\.png (is too large for the memory|is damaged)'):
                photofile.read(tmp_path / 'large.png')
        assert photofile.read(tmp_path / 'large.png').pixels.shape == (3000, 4000, 3)


def test_threads_get_their_own_photos(tmp_path):
    for level in range(24):
        Image.new('L', (30 + level, 20), 10 * level).save(tmp_path / f'{level}.png')
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda level: photofile.read(tmp_path / f'{level}.png').pixels, range(24)))
    for level, pixels in enumerate(found):
        assert pixels.shape == (20, 30 + level, 3) and (pixels == 10 * level).all()
    assert len(decoding._made) <= decoding.PROCESSES


def test_a_decoder_that_was_killed_is_replaced(sound, gray):
    photofile.read(sound)
    for decoder in decoding._made:
        decoder._process.kill()
    for _ in range(2 * decoding.PROCESSES):
        np.testing.assert_array_equal(photofile.read(sound).pixels[..., 1], gray)


def test_nothing_that_a_decoder_answers_is_run():
    class Evil:
        def __reduce__(self):
            return os.system, ('true',)

    import io
    import pickle

    with pytest.raises(pickle.UnpicklingError, match='is not of a photo'):
        decoding._Plain(io.BytesIO(pickle.dumps(Evil()))).load()


def test_a_script_without_a_main_guard_reads_photos_and_ends(sound):
    code = f'from lumachrome import photofile; print(photofile.read({str(sound)!r}).pixels.shape)'
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == '(31, 45, 3)' and not done.stderr


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='There are no named pipes here.')
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'x.jpg')
    said = []

    def read():
        try:
            photofile.read(tmp_path / 'x.jpg')
        except PhotoError as error:
            said.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert said == [f'{tmp_path / "x.jpg"} is no file that a photo can lie in.']


def test_a_large_photo_comes_through_before_its_decoder_ends(tmp_path):
    side = int((decoding.KEPT_BYTES / 6) ** 0.5) + 100  # of 16 bits in three channels
    deep = np.zeros((side, side), np.uint16)
    deep[-1, -1] = 65535
    Image.fromarray(deep).save(tmp_path / 'large.tif', compression='tiff_adobe_deflate')
    for _ in range(2):
        pixels = photofile.read(tmp_path / 'large.tif').pixels
        assert pixels.shape == (side, side, 3) and pixels.nbytes > decoding.KEPT_BYTES
        assert pixels[-1, -1, 1] == 65535 and pixels[0, 0, 1] == 0


def test_nothing_in_the_current_folder_is_imported(sound, tmp_path):
    (tmp_path / 'queue.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")')
    root = Path(__file__).parents[2]
    code = (
        f'import sys; sys.path.insert(0, {str(root)!r}); from lumachrome import photofile; photofile.read("sound.png")'
    )
    subprocess.run([sys.executable, '-P', '-c', code], cwd=tmp_path, check=True, timeout=60)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(('compression', 'kind'), [('lzma', 'LZMA'), ('zstd', 'Zstandard')])
def test_a_sound_tiff_that_is_not_read_is_not_called_damaged(compression, kind, gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / 'a.tif', compression=compression)
    with pytest.raises(
        PhotoError, match=rf'^a\.tif is compressed by {kind}, which is not read in TIFF: save it with LZW'
    ):
        photofile.read(tmp_path / 'a.tif')


def test_a_bug_in_decoding_shows_its_traceback(sound, gray):
    with pytest.raises(RuntimeError, match='TypeError'):
        decoding.decoded(sound, 5, photofile.MAX_PIXELS)
    np.testing.assert_array_equal(photofile.read(sound).pixels[..., 1], gray)
