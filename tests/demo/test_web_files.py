"""What the static page reads of files, against what Python reads of them."""

import base64
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image
from static_page import asked, asked_in

from lumachrome import photofile

HOSTILE = Path(__file__).parents[1] / 'hostile'
GRAY = np.add.outer(np.arange(41) * 3, np.arange(57)).astype('uint8')
COLORED = np.dstack([GRAY, GRAY[::-1], 255 - GRAY])
TRANSPARENT = np.dstack([COLORED, np.roll(GRAY, 20, 0)])
DEEP = COLORED.astype('uint16') * 257 + np.arange(57, dtype='uint16')[None, :, None]


def _palette(path):
    Image.fromarray(COLORED).quantize(16).save(path)


def _turned(orientation):
    return lambda path: Image.fromarray(COLORED).save(path, tiffinfo={274: orientation})


def _packed(path):
    Image.fromarray(COLORED).save(path, compression='packbits')


def _bilevel(path):
    Image.fromarray(GRAY > 100).save(path, compression='packbits')


def _white_is_zero(path):
    tifffile.imwrite(path, GRAY, photometric='miniswhite')


def _multiplied(path):
    alpha = np.maximum(TRANSPARENT[..., 3:], 40)
    pixels = np.round(COLORED * (alpha / 255)).astype('uint8')
    tifffile.imwrite(path, np.dstack([pixels, alpha]), metadata=None, extrasamples=['assocalpha'])


def _vips(pixels, **options):
    image = pyvips.Image.new_from_array(pixels)
    deep = pixels.dtype == np.uint16
    return lambda path: image.copy(interpretation='rgb16' if deep else 'srgb').tiffsave(str(path), **options)


def _scanned(pixels, **options):
    return lambda path: tifffile.imwrite(path, pixels, metadata=None, **options)


TILES = {'tile': True, 'tile_width': 32, 'tile_height': 16, 'predictor': 'horizontal'}
TIFFS = {
    'plain': _scanned(GRAY),
    'white-is-zero': _white_is_zero,
    'palette': _palette,
    'packbits': _packed,
    'bilevel': _bilevel,
    'tiles': _vips(COLORED, compression='lzw', **TILES),
    'deep-tiles': _vips(DEEP, compression='deflate', **TILES),
    'tall': _vips(np.tile(COLORED, (30, 1, 1)), compression='lzw', **TILES),  # read in several parts
    'strips': _vips(COLORED, compression='lzw', predictor='horizontal'),
    'planes': _scanned(np.moveaxis(DEEP, 2, 0), planarconfig='separate', photometric='rgb', rowsperstrip=7),
    'big-endian': _scanned(DEEP, byteorder='>', tile=(16, 32), compression='zlib', predictor=True),
    'big': _scanned(DEEP, bigtiff=True),
    'four-bits': _vips(GRAY, bitdepth=4),
    'multiplied': _multiplied,
    'transparent': _scanned(TRANSPARENT, extrasamples=['unassalpha']),
    'jpeg': _vips(COLORED, compression='jpeg', Q=95, tile=True),
    **{f'turned-{orientation}': _turned(orientation) for orientation in range(2, 9)},
}
READ = """
    const read = async (text) => {
        const file = new Blob([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))]);
        try { return await web.decode(file); } catch (error) { return String(error); }
    };
    const entries = Object.entries(given).map(async ([name, text]) => [name, await read(text)]);
    return Object.fromEntries(await Promise.all(entries));
"""


def _read(folder, contents):
    given = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    return asked(folder, ['files/decode.ts'], READ, given)


def _apart(got, want):
    """How far what the page read is from what Python did, the most of all values."""
    assert not isinstance(got, str), got
    pixels = np.reshape(got['pixels'], (got['height'], got['width'], 3))
    if got['alpha']:
        pixels = np.dstack([pixels, np.reshape(got['alpha'], pixels.shape[:2])])
    elif (want[..., 3:] == np.iinfo(want.dtype).max).all():
        want = want[..., :3]
    assert pixels.shape == want.shape
    return np.abs(pixels - want.astype(int)).max()


def _apart_in(browser, folder):
    """How far a browser's pixels are from Python's, by the names of a folder's files."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    given = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    found = asked_in(browser, folder, ['files/decode.ts'], READ, given)
    return {name: _apart(found[name], photofile.read(folder / name).pixels) for name in contents}


def test_tiffs_are_read_as_python_reads_them(tmp_path):
    for name, write in TIFFS.items():
        write(tmp_path / f'{name}.tif')
    got = _read(tmp_path, {name: (tmp_path / f'{name}.tif').read_bytes() for name in TIFFS})
    apart = {name: _apart(got[name], photofile.read(tmp_path / f'{name}.tif').pixels) for name in TIFFS}
    assert apart.pop('jpeg') <= 1 and apart.pop('multiplied') <= 1  # which are rounded
    assert [name for name, most in apart.items() if most] == []


def test_of_a_tiff_with_several_pictures_the_first_is_read_and_it_is_said(tmp_path):
    pages = [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)]
    pages[0].save(tmp_path / 'pages.tif', save_all=True, append_images=pages[1:])
    got = _read(tmp_path, {'pages': (tmp_path / 'pages.tif').read_bytes()})['pages']
    assert got['notes'] == ['becomes_png', 'first_page']
    assert _apart(got, photofile.read(tmp_path / 'pages.tif').pixels) == 0


def test_tiffs_that_are_not_read_are_of_a_kind_or_damaged(tmp_path):
    others = {
        'floats': _scanned(GRAY / np.float32(255)),
        'ink': lambda path: Image.fromarray(TRANSPARENT, 'CMYK').save(path),
        'fax': lambda path: Image.fromarray(GRAY > 100).save(path, compression='group4'),
        'raw': _scanned(COLORED, extratags=[(50706, 'B', 4, (1, 4, 0, 0), True)]),
        'whole': TIFFS['strips'],
        'tiles': TIFFS['tiles'],
    }
    for name, write in others.items():
        write(tmp_path / f'{name}.tif')
    contents = {name: (tmp_path / f'{name}.tif').read_bytes() for name in others}
    whole, tiles = contents.pop('whole'), contents.pop('tiles')
    TIFFS['plain'](tmp_path / 'plain.tif')
    contents |= {
        'cut': whole[: len(whole) // 2],
        'short': (tmp_path / 'plain.tif').read_bytes()[:1500],
        'start': whole[:6],
    }
    contents['no-strips'] = (HOSTILE / 'missing-strips.tif').read_bytes()
    assert struct.pack('<HHLL', 323, 3, 1, 16) in tiles
    contents['no-height'] = tiles.replace(struct.pack('<HHLL', 323, 3, 1, 16), struct.pack('<HHLL', 323, 3, 1, 0))
    contents['gif'] = b'GIF89a'
    found = _read(tmp_path, contents)
    assert {name: sentence.removeprefix('PhotoError: ') for name, sentence in found.items()} == {
        **dict.fromkeys(('floats', 'ink', 'fax'), 'file_kind'),
        'raw': 'file_raw',
        **dict.fromkeys(('cut', 'short', 'start', 'no-strips', 'no-height', 'gif'), 'file_damaged'),
    }


def _key(path):
    """Gray of 2 bits, packed, of which one level is transparent."""
    levels = (GRAY // 64).astype('uint8')
    pyvips.Image.new_from_array(levels * 85).pngsave(str(path), bitdepth=2)
    content = path.read_bytes()
    chunk = b'tRNS' + (1).to_bytes(2, 'big')
    place = content.index(b'IDAT') - 4
    path.write_bytes(content[:place] + b'\0\0\0\2' + chunk + zlib.crc32(chunk).to_bytes(4, 'big') + content[place:])


@pytest.mark.browser
def test_what_is_transparent_is_kept_or_becomes_white(browser, tmp_path):
    shown = Image.fromarray(np.dstack([COLORED, np.where(GRAY < 60, 0, 255).astype('uint8')]))
    shown.save(tmp_path / 'a.gif')
    shown.save(tmp_path / 'a.avif', quality=100, subsampling='4:4:4')
    _key(tmp_path / 'key.png')
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    given = {name: base64.b64encode(content).decode() for name, content in contents.items()}
    found = asked_in(browser, tmp_path, ['files/decode.ts'], READ, given)
    with Image.open(tmp_path / 'a.gif') as image:
        gif = np.asarray(image.convert('RGBA'))
    key = np.dstack([GRAY // 64 * 85] * 3 + [np.where(GRAY // 64 == 1, 0, 255)])
    for name, want in (('a.gif', gif), ('key.png', key)):
        got, alpha = (np.reshape(found[name][part], (*GRAY.shape, -1)) for part in ('pixels', 'alpha'))
        assert (alpha[..., 0] == want[..., 3]).all() and (got == want[..., :3])[want[..., 3] > 0].all(), name
    got = np.reshape(found['a.avif']['pixels'], COLORED.shape)
    assert found['a.avif']['alpha'] is None and found['a.avif']['format'] == 'jpeg'
    assert (got[GRAY < 60] == 255).all() and np.abs(got - COLORED.astype(int))[GRAY >= 60].max() < 16


@pytest.mark.browser
def test_a_webp_that_no_codec_here_writes_becomes_a_png(browser, tmp_path):
    script = """
        const { width, format, notes } = await web.decode(await (await fetch(`${given}.webp`)).blob());
        return { width, format, notes };
    """
    for name, width in (('large', 8001), ('small', 80)):
        Image.new('L', (width, 5000), 90).save(tmp_path / f'{name}.webp')
    small, large = (asked_in(browser, tmp_path, ['files/decode.ts'], script, name) for name in ('small', 'large'))
    assert small == {'width': 80, 'format': 'webp', 'notes': []}
    assert large == {'width': 8001, 'format': 'png', 'notes': ['becomes_png']}


_CUT = {'jpg': 2, 'png': 5, 'webp': 10, 'gif': 100, 'bmp': 100}  # bytes that are missing


def test_a_file_that_was_cut_short_is_known_by_its_end_and_what_comes_after_that_is_let_be(tmp_path):
    """Browsers that show what there is of a picture, or black, are tried in test_web_browsers.py."""
    given = {}
    for kind, missing in _CUT.items():
        Image.fromarray(COLORED).save(tmp_path / f'a.{kind}')
        content = (tmp_path / f'a.{kind}').read_bytes()
        given |= {f'{kind} whole': content, f'{kind} cut': content[:-missing], f'{kind} more': content + b'film' * 99}
    script = """
        const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
        const tell = text => web.isWhole(web.kindOf(bytes(text)), bytes(text));
        return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, tell(text)]));
    """
    texts = {name: base64.b64encode(content).decode() for name, content in given.items()}
    found = asked(tmp_path, ['files/whole.ts', 'files/decode.ts'], script, texts)
    assert found == {name: not name.endswith('cut') for name in given}


def _lying(pixels, orientation, path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels).save(path, exif=exif)
        return
    pyvips.Image.new_from_array(pixels).copy(interpretation='rgb16').pngsave(str(path))
    content, block = path.read_bytes(), exif.tobytes()[6:]
    chunk = len(block).to_bytes(4, 'big') + b'eXIf' + block + zlib.crc32(b'eXIf' + block).to_bytes(4, 'big')
    place = content.index(b'IDAT') - 4
    path.write_bytes(content[:place] + chunk + content[place:])


@pytest.mark.browser
def test_a_png_is_set_upright_once(browser, tmp_path):
    for pixels in (COLORED, TRANSPARENT, DEEP):
        for orientation in (1, 2, 3, 6, 8):
            _lying(pixels, orientation, tmp_path / f'{orientation}-{pixels.dtype}-{pixels.shape[2]}.png')
    once = (tmp_path / '6-uint8-3.png').read_bytes()
    start = once.index(b'eXIf') - 4
    end = once.index(b'IDAT') - 4
    (tmp_path / 'said-twice.png').write_bytes(once[:end] + once[start:])
    apart = _apart_in(browser, tmp_path)
    assert len(apart) == 16 and [name for name, most in apart.items() if most] == []


@pytest.mark.browser
def test_of_a_webp_that_moves_the_first_picture_is_read_as_it_lies(browser, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    faint = np.dstack([COLORED, np.full_like(GRAY, 254)])
    for name, pixels, more in (('plain', COLORED, {}), ('turned', COLORED, {'exif': exif}), ('faint', faint, {})):
        images = [Image.fromarray(pixels), Image.fromarray(pixels[::-1])]
        images[0].save(tmp_path / f'{name}.webp', save_all=True, append_images=images[1:], lossless=True, **more)
    apart = _apart_in(browser, tmp_path)
    assert apart.pop('faint.webp') <= 1 and apart == {'plain.webp': 0, 'turned.webp': 0}  # a canvas rounds


@pytest.mark.browser
def test_a_bmp_is_read_whatever_it_says_of_the_length_of_its_file(browser, tmp_path):
    Image.fromarray(COLORED).save(tmp_path / 'a.bmp')
    content = (tmp_path / 'a.bmp').read_bytes()
    for length in (0, 2000, len(content) + 2, 2**32 - 1):
        (tmp_path / f'{length}.bmp').write_bytes(content[:2] + struct.pack('<I', length) + content[6:])
    start = struct.pack('<2sIHHIIHHHH', b'BM', 26 + len(content) - 54, 0, 0, 26, 12, 57, 41, 1, 24)
    (tmp_path / 'os2.bmp').write_bytes(start + content[54:])
    header = struct.pack('<IiiHH', 40, 57, -41, 1, 24)
    (tmp_path / 'top-down.bmp').write_bytes(content[:14] + header + content[14 + len(header) :])
    apart = _apart_in(browser, tmp_path)
    assert len(apart) == 7 and [name for name, most in apart.items() if most] == []


@pytest.mark.browser
def test_noise_from_a_canvas_is_never_taken_for_a_photo(browser, tmp_path):
    """As Firefox gives where it resists fingerprinting; a level here and there, as others change, does no harm."""
    Image.fromarray(COLORED).save(tmp_path / 'a.jpg', quality=95)
    given = {'a.jpg': base64.b64encode((tmp_path / 'a.jpg').read_bytes()).decode()}
    script = f"""
        const own = OffscreenCanvasRenderingContext2D.prototype, honest = own.getImageData;
        own.getImageData = function (...place) {{
            const image = honest.apply(this, place);
            for (let i = 0; i < image.data.length; i += 4) image.data[i] = change(image.data[i]);
            return image;
        }};
        {READ}
    """
    change = 'const change = value => {};'
    little, noise = (
        asked_in(browser, tmp_path, ['files/decode.ts'], change.format(to) + script, given)['a.jpg']
        for to in ('value ^ 1', 'Math.random() * 256')
    )
    assert little['width'] == 57 and noise == 'PhotoError: canvas_altered'
