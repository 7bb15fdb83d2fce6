"""All pages of a TIFF file: coloured one by one, and written as one file again."""

import struct
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from lumachrome import album, colorizer, pages, photofile, zipfiles
from lumachrome.__main__ import main
from lumachrome.errors import PhotoError


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture
def scan(gray, tmp_path):
    """Three pages of different sizes and depths, with texts and resolutions of their own."""
    deep = gray[:20, :30].astype(np.uint16) * 257
    pictures = [Image.fromarray(gray), Image.fromarray(deep), Image.fromarray(gray[:9]).convert('RGBA')]
    path = tmp_path / 'scan.tif'
    with TiffImagePlugin.AppendingTiffWriter(path, True) as file:
        for number, picture in enumerate(pictures, 1):
            said = TiffImagePlugin.ImageFileDirectory_v2()
            said[270], said[274] = f'page {number}', 6 if number == 3 else 1
            said.tagtype[65000], said[65000] = 4, 4_000_000_000 + number  # no place in such a file
            picture.save(file, 'TIFF', tiffinfo=said, dpi=(100 * number, 100 * number))
            file.newFrame()
    return path


def kinds(path, *values):
    """Give the pages of a TIFF file a NewSubfileType each, in the place of their last tag."""
    content = bytearray(path.read_bytes())
    at = struct.unpack_from('<L', content, 4)[0]
    for value in values:
        (number,) = struct.unpack_from('<H', content, at)
        rows = [content[at + 2 + 12 * i : at + 14 + 12 * i] for i in range(number - 1)]
        rows = [struct.pack('<HHLL', 254, 4, 1, value), *rows]
        content[at + 2 : at + 2 + 12 * number] = b''.join(rows)
        at = struct.unpack_from('<L', content, at + 2 + 12 * number)[0]
    path.write_bytes(content)


def test_all_pages_come_back_with_size_depth_and_metadata(scan, tmp_path, capsys):
    assert main(['colorize', str(scan), '-o', str(tmp_path / 'out'), '--all-pages']) == 0
    said = capsys.readouterr()
    assert 'pages' not in said.err and '1 photo coloured' in said.out
    out = tmp_path / 'out' / 'scan.tif'
    for number, shape in enumerate([(31, 45, 3), (20, 30, 3), (45, 9, 4)]):
        before, after = photofile.read(scan, page=number), photofile.read(out, page=number)
        assert after.pixels.shape == before.pixels.shape == shape and after.pixels.dtype == before.pixels.dtype
        assert after.said.tiff_tags[270][1] == f'page {number + 1}\0'.encode()
        assert struct.unpack('<L', after.said.tiff_tags[65000][1]) == (4_000_000_001 + number,)
        assert after.said.resolution == pytest.approx([(number + 1) * 100 / 25.4] * 2)
        assert b'compositeWithTrainedAlgorithmicMedia' in after.said.fields['xmp-data'][1]
        one = 257 if before.pixels.dtype == np.uint16 else 1
        change = (after.pixels.astype(int) - before.pixels)[5, 5] / one
        assert abs(change[0] - 40) < 2 and abs(change[1]) < 1
    with Image.open(out) as file:
        assert file.n_frames == 3
        for number in range(3):
            file.seek(number)
            file.load()
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['scan.tif']


def test_by_default_it_is_the_first_page_and_a_note(scan, tmp_path, capsys):
    assert main(['colorize', str(scan), '-o', str(tmp_path / 'out')]) == 0
    assert 'has 3 pages or frames; this is the first one.' in capsys.readouterr().err
    with Image.open(tmp_path / 'out' / 'scan.tif') as file:
        assert file.n_frames == 1


def test_thumbnails_and_masks_are_passed_over(scan, tmp_path, capsys):
    kinds(scan, 2, 1, 4)
    assert pages.find(scan) == pages.Pages((0,), 2, True)
    assert main(['colorize', str(scan), '-o', str(tmp_path / 'out'), '--all-pages']) == 0
    words = f'{scan} holds thumbnails, smaller copies or masks beside its pages; they are left out.'
    assert words in capsys.readouterr().err
    assert pages.find(tmp_path / 'out' / 'scan.tif').numbers == (0,)
    assert photofile.read(scan).note == ''  # the one page is all that it is about


def test_a_page_that_cannot_be_read_is_named_and_no_half_file_is_left(scan, tmp_path, capsys):
    content = scan.read_bytes()
    (first,) = struct.unpack_from('<L', content, 4)
    (number,) = struct.unpack_from('<H', content, first)
    (second,) = struct.unpack_from('<L', content, first + 2 + 12 * number)
    changed = bytearray(content)
    (number,) = struct.unpack_from('<H', content, second)
    for row in range(second + 2, second + 2 + 12 * number, 12):
        if struct.unpack_from('<H', content, row)[0] == 262:
            struct.pack_into('<H', changed, row + 8, 8)  # Lab
    scan.write_bytes(changed)
    assert main(['colorize', str(scan), '-o', str(tmp_path / 'out'), '--all-pages']) == 1
    assert f'{scan}, page 2, holds Lab values: save it as RGB first.' in capsys.readouterr().err
    assert not list((tmp_path / 'out').iterdir())
    with zipfiles.new_zip(tmp_path / 'zip' / 'out.zip') as target:
        found = [album.Task('scan.tif', scan, PurePosixPath(), 'scan')]
        (outcome,) = album.colorize(found, colorizer.Colorizer('plain'), target, all_pages=True)
    assert outcome.error == 'scan.tif, page 2, holds Lab values: save it as RGB first.'


def test_pages_behind_damage_are_said(scan, gray, tmp_path, capsys):
    content = bytearray(scan.read_bytes())
    (first,) = struct.unpack_from('<L', content, 4)
    (number,) = struct.unpack_from('<H', content, first)
    struct.pack_into('<L', content, first + 2 + 12 * number, len(content) + 100)
    scan.write_bytes(content)
    found = pages.find(scan)
    assert found == pages.Pages((0,), 0, False)
    assert found.note('a.tif') == 'a.tif is damaged behind page 1; what follows is left out.'


def test_chains_that_go_round_end(scan):
    content = bytearray(scan.read_bytes())
    (first,) = struct.unpack_from('<L', content, 4)
    (number,) = struct.unpack_from('<H', content, first)
    struct.pack_into('<L', content, first + 2 + 12 * number, first)
    scan.write_bytes(content)
    assert pages.find(scan).numbers == (0,)


def test_other_formats_and_targets(scan, gray, tmp_path, monkeypatch):
    Image.fromarray(gray).save(tmp_path / 'a.gif', save_all=True, append_images=[Image.fromarray(255 - gray)])
    assert pages.find(tmp_path / 'a.gif') == pages.Pages((), 0, False)
    assert 'this is the first one' in photofile.read(tmp_path / 'a.gif', page=0).note
    with zipfile.ZipFile(tmp_path / 'in.zip', 'w') as archive:
        archive.write(scan, 'scan.tif')
    found = album.in_zip(tmp_path / 'in.zip', 'in.zip', PurePosixPath())
    with zipfiles.new_zip(tmp_path / 'zip' / 'out.zip') as target:
        (outcome,) = album.colorize(found, colorizer.Colorizer('plain'), target, all_pages=True)
    assert not outcome.error
    with zipfile.ZipFile(tmp_path / 'zip' / 'out.zip') as archive, Image.open(archive.open('scan.tif')) as file:
        assert file.n_frames == 3
    monkeypatch.setattr(pages, 'BYTES', 1000)
    photo = photofile.read(scan, page=0)
    with pytest.raises(PhotoError, match=r'has too many pages for one TIFF file of 4 GB: split it first\.$'):
        photofile.write(tmp_path / 'large.tif', photo.pixels, photo, [(photo.pixels, photo)])
    assert not (tmp_path / 'large.tif').exists()
