"""What is too large for the memory is said by its header, at every door."""

import zipfile

import numpy as np
import pytest
from albums import zip_of
from PIL import Image

from lumachrome import colorizer, limits, photofile
from lumachrome.__main__ import main
from lumachrome.errors import PhotoError


@pytest.fixture
def container(tmp_path, monkeypatch):
    """A machine with 8 GB free of which the container may have 1.5 GB more."""
    files = {'max': '3000000000\n', 'current': '2000000000\n', 'stat': 'anon 1\ninactive_file 500000000\nx 2\n'}
    for name, content in files.items():
        (tmp_path / f'memory.{name}').write_text(content)
    (tmp_path / 'meminfo').write_text('MemTotal: 9 kB\nMemAvailable:    7000000 kB\nSwapFree: 1000000 kB\n')
    monkeypatch.setattr(limits, '_CONTAINER', tmp_path)
    monkeypatch.setattr(limits, '_MEMORY', tmp_path / 'meminfo')
    return tmp_path


def test_the_free_memory_is_that_of_the_machine_or_its_container(container, monkeypatch):
    assert limits.free_memory() == 1_500_000_000
    (container / 'memory.max').write_text('max\n')
    assert limits.free_memory() == 8_000_000 * 1024
    (container / 'memory.max').write_text('90000000000\n')
    assert limits.free_memory() == 8_000_000 * 1024
    monkeypatch.setattr(limits, '_MEMORY', container / 'nothing')
    monkeypatch.setattr(limits.os, 'sysconf', lambda name: {'SC_PHYS_PAGES': 1000, 'SC_PAGE_SIZE': 4096}[name])
    assert limits.free_memory() == 4_096_000
    monkeypatch.delattr(limits.os, 'sysconf')
    assert limits.free_memory() is None


@pytest.mark.parametrize(
    'name, bits, bytes_a_pixel', [('a.jpg', 8, 20), ('a.png', 8, 9), ('a.png', 16, 18), ('a.bmp', 8, 9)]
)
def test_what_does_not_fit_is_said_and_what_fits_is_read(name, bits, bytes_a_pixel, tmp_path, monkeypatch):
    pixels = np.zeros((1000, 1200), np.uint16 if bits == 16 else np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    monkeypatch.setattr(limits, 'free_memory', lambda: bytes_a_pixel * 1_200_000)
    assert photofile.read(tmp_path / name).pixels.shape == (1000, 1200, 3)
    monkeypatch.setattr(limits, 'free_memory', lambda: bytes_a_pixel * 800_000)
    with pytest.raises(PhotoError) as caught:
        photofile.read(tmp_path / name)
    assert str(caught.value) == (
        f'{name} has 1.2 megapixels, and the free memory of this machine takes 0.8: '
        'close other programs, or make it smaller first.'
    )
    monkeypatch.setattr(limits, 'free_memory', lambda: None)
    assert photofile.read(tmp_path / name).pixels.shape == (1000, 1200, 3)


def test_in_an_album_only_that_photo_fails(tmp_path, standins, monkeypatch, capsys):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    monkeypatch.setattr(limits, 'free_memory', lambda: 4 * 100_000)
    Image.new('L', (30, 20), 90).save(tmp_path / 'small.png')
    Image.new('L', (500, 400), 90).save(tmp_path / 'large.webp')  # whose decoder holds it whole
    source = zip_of(tmp_path / 'in.zip', tmp_path / 'small.png', 'a.png', 'c.png')
    with zipfile.ZipFile(source, 'a') as archive:
        archive.write(tmp_path / 'large.webp', 'b.webp')
    assert main(['colorize', str(source), '-o', str(tmp_path / 'out')]) == 1
    assert 'b.webp has 0.2 megapixels, and the free memory' in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['a.png', 'c.png']


def test_what_comes_in_rows_needs_no_memory_for_its_size(tmp_path, standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)
    monkeypatch.setattr(limits, 'free_memory', lambda: 4 * 100_000)
    (tmp_path / 'in').mkdir()
    for suffix in ('jpg', 'png', 'tif'):
        Image.new('L', (500, 400), 90).save(tmp_path / 'in' / f'a.{suffix}')
    assert main(['colorize', str(tmp_path / 'in'), '-o', str(tmp_path / 'out')]) == 0


@pytest.mark.parametrize(('suffix', 'more'), [('jpg', {'progressive': True}), ('webp', {}), ('bmp', {})])
def test_what_is_decoded_whole_must_fit(suffix, more, tmp_path, monkeypatch):
    Image.new('L', (500, 400), 90).save(tmp_path / f'a.{suffix}', **more)
    monkeypatch.setattr(limits, 'free_memory', lambda: 4 * 100_000)
    with pytest.raises(PhotoError, match=r'has 0\.2 megapixels, and the free memory of this machine takes 0'):
        photofile.read_rows(tmp_path / f'a.{suffix}')
    monkeypatch.setattr(limits, 'free_memory', lambda: 9 * 500 * 400)
    photofile.read_rows(tmp_path / f'a.{suffix}')[1].close()
    with pytest.raises(PhotoError, match='has more than 0 megapixels'):
        photofile.read_rows(tmp_path / f'a.{suffix}', max_pixels=100)
