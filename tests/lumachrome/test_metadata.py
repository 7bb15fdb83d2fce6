"""What a photo file says besides its pixels: it is still said, and rightly, when the pixels are new."""

import io
import struct
import zlib

import numpy as np
import pytest
import pyvips
import tifffile
from files import IPTC, UMLAUTS, again, chunk, exif_block, found_exif, jpeg, packets, png, resource, xmp
from PIL import Image, IptcImagePlugin, PngImagePlugin

from lumachrome import containers, exif, loading, metadata, photofile
from lumachrome.errors import PhotoError

# How dense the pixels are


def dpi(path):
    with Image.open(path) as picture:
        return [float(side) for side in picture.info['dpi']]


@pytest.mark.parametrize('sides', [(600, 600), (300, 600)])
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif'])
def test_the_resolution_is_kept_where_there_is_no_exif(suffix, sides, gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / f'photo{suffix}', dpi=sides)
    _, out = again(tmp_path / f'photo{suffix}')
    np.testing.assert_allclose(dpi(out), sides, atol=0.02)


def test_centimetres_stay_centimetres(gray, tmp_path):
    path = jpeg(tmp_path / 'photo.jpg', gray)
    path.write_bytes(path.read_bytes().replace(b'JFIF\0\1\1\0\0\1\0\1', b'JFIF\0\1\1\2\0\x77\0\x76'))
    _, out = again(path)
    assert out.read_bytes()[6:18] == b'JFIF\0\1\1\2\0\x77\0\x76'
    tifffile.imwrite(tmp_path / 'photo.tif', gray, resolution=(119, 118), resolutionunit='CENTIMETER')
    _, out = again(tmp_path / 'photo.tif')
    with tifffile.TiffFile(out) as written:
        tags = written.pages[0].tags
        assert tags['ResolutionUnit'].value == 3
        assert [tags[name].value[0] / tags[name].value[1] for name in ('XResolution', 'YResolution')] == [119, 118]


@pytest.mark.parametrize('order', ['<', '>'])
def test_numbers_without_a_unit_are_no_resolution(order, gray, tmp_path):
    path = tmp_path / 'photo.tif'
    tifffile.imwrite(path, gray, resolution=(300, 150), resolutionunit='NONE', byteorder=order)
    assert photofile.read(path).said.resolution is None
    tifffile.imwrite(path, gray, resolution=(300, 150), resolutionunit='INCH', byteorder=order)
    assert photofile.read(path).said.resolution == pytest.approx((300 / 25.4, 150 / 25.4))
    segment = (0xE1, b'Exif\0\0' + exif_block(order, resolution=(1, 1), unit=1))
    assert photofile.read(jpeg(tmp_path / 'photo.jpg', gray, segment)).said.resolution is None


def test_nothing_is_made_up_of_a_jpeg_that_says_nothing(gray, tmp_path):
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray))
    assert photo.said.resolution is None
    assert 'dpi' not in Image.open(out).info


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.avif'])
@pytest.mark.parametrize('order', ['<', '>'])
def test_container_and_exif_agree_and_the_container_is_right(suffix, order, gray, tmp_path):
    path = tmp_path / f'photo{suffix}'
    block = exif_block(order, resolution=(72, 1), turned=None if suffix == '.avif' else 6)
    Image.fromarray(gray).save(path, dpi=(600, 300), exif=b'Exif\0\0' + block)
    _, out = again(path)
    own = suffix in ('.jpg', '.png')
    expected = (300, 600) if own else (72, 72)  # it lay on its side
    if own:
        np.testing.assert_allclose(dpi(out), expected, atol=0.02)
    found = found_exif(out)
    assert (found[0x011A], found[0x011B], found[0x0128]) == (*expected, 2)


def test_exif_speaks_where_the_container_is_silent(gray, tmp_path):
    path = jpeg(tmp_path / 'photo.jpg', gray, (0xE1, b'Exif\0\0' + exif_block(resolution=(11811, 100), unit=3)))
    _, out = again(path)
    np.testing.assert_allclose(dpi(out), 300, atol=0.5)
    assert float(found_exif(out)[0x011A]) == pytest.approx(118.11)
    path = png(tmp_path / 'photo.png', gray, chunk(b'eXIf', exif_block(resolution=(300, 1))))
    _, out = again(path)
    np.testing.assert_allclose(dpi(out), 300, atol=0.02)


# Texts of PNG


def test_texts_of_png_are_kept_in_all_letters(gray, tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_itxt('Title', UMLAUTS, lang='de', tkey='Überschrift')
    info.add_itxt('Long', UMLAUTS * 50, zip=True)
    info.add_text('Copyright', '© Jürgen Müller')
    info.add_text('Creation Time', '1931')
    info.add_text('Raw profile type iptc', '\niptc\n       4\n1c015a00\n', zip=True)
    info.add_text('Schlüssel', 'wert')
    Image.fromarray(gray).save(tmp_path / 'photo.png', pnginfo=info)
    photo, out = again(tmp_path / 'photo.png')
    assert photo.note == ''
    with Image.open(tmp_path / 'photo.png') as old, Image.open(out) as new:
        assert len(old.text) == 6
        assert {key: new.text[key] for key in old.text} == old.text
        assert new.text['Title'].lang == 'de' and new.text['Title'].tkey == 'Überschrift'


def test_texts_behind_the_pixels_count_too(gray, tmp_path):
    packet = xmp('<dc:title>Zürich</dc:title>')
    path = png(
        tmp_path / 'photo.png',
        gray,
        late=[
            chunk(b'tEXt', b'Creation Time\x001931'),
            chunk(b'eXIf', exif_block()),
            chunk(b'iTXt', b'XML:com.adobe.xmp\0\1\0\0\0' + zlib.compress(packet)),
        ],
    )
    photo, out = again(path)
    np.testing.assert_array_equal(photo.pixels[..., 0], np.rot90(gray, -1))
    assert Image.open(out).info['Creation Time'] == '1931'
    assert found_exif(out)[0x0112] == 1 and found_exif(out)[0x4746] == 4
    assert 'Zürich' in Image.open(out).info['XML:com.adobe.xmp']


def test_xmp_in_png_is_utf8(gray, tmp_path):
    _, out = again(
        png(
            tmp_path / 'photo.png',
            gray,
            chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' + xmp('<dc:title>Zürich</dc:title>')),
        )
    )
    assert 'Zürich' in Image.open(out).info['XML:com.adobe.xmp']
    assert out.read_bytes().count(b'XML:com.adobe.xmp') == 1


def test_damaged_texts_are_left_out_and_said(gray, tmp_path):
    bad = bytearray(chunk(b'tEXt', b'Author\0me'))
    bad[-1] ^= 1  # the check sum
    path = png(
        tmp_path / 'photo.png', gray, late=[bytes(bad), chunk(b'tEXt', b'Title\0one'), chunk(b'tEXt', b'no end')]
    )
    photo, out = again(path)
    assert photo.note == (
        'photo.png says things about itself that cannot be kept, or cannot be read; they are left out: '
        'texts that are damaged or too large.'
    )
    assert Image.open(out).info['Title'] == 'one' and b'Author' not in out.read_bytes()


# EXIF, IPTC, comments, the tags of TIFF


def check_exif(path, width, height):
    found = found_exif(path)
    assert found[0x010E] == UMLAUTS.encode()
    assert found[0x010F] == b'Acme'
    assert (found[0x4746], found[0x4749]) == (4, 75)
    assert found[0x9C9B] == 'Titel äöü\0'.encode('utf-16-le')
    assert found[0x9003] == b'1931:07:04 12:00:00'
    assert found[0x9286].startswith(b'UNICODE\0') and 'für Oma'.encode('utf-16-le') in (
        found[0x9286][8:],
        b''.join(found[0x9286][i : i + 2][::-1] for i in range(8, len(found[0x9286]), 2)),
    )
    assert found[0x927C] == b'maker: \xff\xd8 \x00\x01'
    assert (found[0xA001], found[0xA002], found[0xA003]) == (1, width, height)
    assert found['place'][1] == 'N'
    assert found.get(0x0112, 1) == 1


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.avif'])
@pytest.mark.parametrize('order', ['<', '>'])
def test_exif_is_kept_in_all_letters_and_knows_the_new_size(suffix, order, gray, tmp_path):
    path = tmp_path / f'photo{suffix}'
    block = exif_block(order)
    if suffix == '.avif':  # in which Pillow states orientation elsewhere, and makes up the block anew
        block = exif_block(order, turned=None)
    Image.fromarray(gray).save(path, exif=b'Exif\0\0' + block)
    photo, out = again(path)
    assert photo.note == ''
    sides = (45, 31) if suffix == '.avif' else (31, 45)
    assert photo.pixels.shape[:2] == sides[::-1]
    check_exif(out, *sides)
    if suffix != '.avif':
        assert found_exif(out)[0xC6D3] == b'private'
    np.testing.assert_array_equal(photofile.read(out).pixels.shape, photo.pixels.shape)
    pyvips.Image.new_from_file(str(out), fail_on='warning').avg()


def test_heic_keeps_its_exif_in_all_letters(monkeypatch, gray, tmp_path):
    # Nothing here can write HEIC: what Pillow's plug-in hands over stands in for it.
    path = jpeg(tmp_path / 'photo.jpg', gray, (0xE1, b'Exif\0\0' + exif_block('>')))
    path = path.rename(tmp_path / 'IMG_1.HEIC')
    monkeypatch.setattr(loading, '_open', loading._open_with_pillow)
    photo = loading.decode(path, path.name, photofile.MAX_PIXELS)
    photofile.write(tmp_path / 'out.jpg', photo.pixels, photo)
    check_exif(tmp_path / 'out.jpg', 31, 45)


@pytest.mark.parametrize('order', ['<', '>'])
def test_the_thumbnail_is_wiped_and_the_rest_stays(order, gray, tmp_path):
    stream = io.BytesIO()
    Image.fromarray(gray).resize((16, 12)).save(stream, 'JPEG')
    block = exif_block(order, thumbnail=stream.getvalue())
    renewed = exif.renewed(block, 31, 45, None)
    assert len(renewed) == len(block) - len(stream.getvalue())
    assert b'JFIF' in block and b'JFIF' not in renewed
    _, out = again(jpeg(tmp_path / 'photo.jpg', gray, (0xE1, b'Exif\0\0' + block)))
    check_exif(out, 31, 45)


def test_comments_and_photoshops_blocks_of_jpeg_are_kept(gray, tmp_path):
    wide = resource(0x0404, IPTC) + resource(1036, b'thumbnail of the gray one') + resource(1034, b'\1')
    comments = [(0xFE, 'für Oma'.encode('latin-1')), (0xFE, b'two')]
    path = jpeg(tmp_path / 'photo.jpg', gray, (0xED, b'Photoshop 3.0\0' + wide), *comments)
    _, out = again(path)
    with Image.open(path) as old, Image.open(out) as new:
        assert IptcImagePlugin.getiptcinfo(new) == IptcImagePlugin.getiptcinfo(old)
        assert IptcImagePlugin.getiptcinfo(new)[2, 90] == 'Zürich'.encode()
        assert set(new.info['photoshop']) == {0x0404, 1034}
    assert [content for name, content in containers.parts(out) if name == 'COM'] == [each for _, each in comments]


def test_a_large_iptc_of_jpeg_goes_on_in_the_next_segment(gray, tmp_path):
    block = resource(0x0404, IPTC * 4000)
    halves = [(0xED, b'Photoshop 3.0\0' + block[i : i + 60_000]) for i in range(0, len(block), 60_000)]
    assert len(halves) > 1
    _, out = again(jpeg(tmp_path / 'photo.jpg', gray, *halves))
    found = [content[14:] for name, content in containers.parts(out) if name == 'APP13']
    assert b''.join(found) == block


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('order', ['<', '>'])
def test_a_tiff_keeps_texts_ratings_and_iptc(order, big, gray, tmp_path):
    iptc = IPTC + bytes(-len(IPTC) % 4)
    numbers = struct.unpack(f'{order}{len(iptc) // 4}L', iptc)
    title = 'Titel äöü\0'.encode('utf-16-le')
    tags = [
        (33723, 4, len(numbers), numbers, True),
        (34377, 7, None, resource(0x0404, IPTC) + resource(1036, b'thumbnail'), True),
        (270, 2, 0, UMLAUTS.encode() + b'\0', True),
        (269, 2, 0, 'Mappe ü'.encode() + b'\0', True),
        (40091, 1, len(title), title, True),
        (18246, 3, 1, 4, True),
        (65001, 2, 0, b'of the archive\0', True),
        (65002, 3, 2, (1, 258), True),
        (65003, 4, 1, 8, True),  # a number, or a place in the old file: nobody knows
    ]
    path = tmp_path / 'photo.tif'
    tifffile.imwrite(path, gray, byteorder=order, bigtiff=big, extratags=tags, metadata=None, rowsperstrip=4)
    photo, out = again(path)
    assert photo.note.endswith('are left out: tags that cannot be read, or may be places in the old file.')
    with tifffile.TiffFile(out) as written:
        found = {tag.code: tag for tag in written.pages[0].tags}
        raw = {}
        for code, tag in found.items():
            written.filehandle.seek(tag.valueoffset)
            raw[code] = written.filehandle.read(tag.valuebytecount)
        np.testing.assert_array_equal(written.asarray(), photo.pixels)
    assert raw[33723] == iptc
    assert raw[34377] == resource(0x0404, IPTC)
    assert raw[270] == UMLAUTS.encode() + b'\0'
    assert raw[269] == 'Mappe ü'.encode() + b'\0'
    assert raw[40091] == title
    assert found[18246].value == 4
    assert raw[65001] == b'of the archive\0'
    assert found[65002].value == (1, 258)
    assert 65003 not in found
    image = pyvips.Image.new_from_file(str(out), fail_on='warning')
    image.avg()
    assert image.get('iptc-data')[: len(IPTC)] == IPTC
    assert image.get('image-description') == UMLAUTS


def test_exif_in_tiff_is_kept_in_all_letters(gray, tmp_path):
    loaded = Image.Exif()
    loaded.load(exif_block('<'))
    Image.fromarray(gray).save(tmp_path / 'photo.tif', exif=loaded)
    content = (tmp_path / 'photo.tif').read_bytes()
    assert b'Acme' in content
    _, out = again(tmp_path / 'photo.tif')
    found = found_exif(out)
    assert (found[0xA001], found[0xA002], found[0xA003]) == (1, 31, 45)
    assert found[0x9286] == b'UNICODE\0' + 'für Oma'.encode('utf-16-le')
    assert found[0x927C] == b'maker: \xff\xd8 \x00\x01'
    assert found['place'][1] == 'N'


# Hostile values


def test_damaged_exif_and_xmp_are_left_out_and_said(gray, tmp_path):
    segments = [(0xE1, b'Exif\0\0' + exif_block()[:40]), (0xE1, b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta')]
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray, *segments))
    assert photo.note == (
        'photo.jpg says things about itself that cannot be kept, or cannot be read; they are left out: '
        'EXIF, which is damaged; XMP, which is damaged or too large.'
    )
    assert b'Exif' not in out.read_bytes() and metadata.SOURCE_TYPE.encode() in packets(out)[0]


@pytest.mark.filterwarnings('ignore::UserWarning')  # Pillow on damaged tags
def test_whatever_metadata_says_the_photo_is_read_and_written(gray, tmp_path):
    random = np.random.default_rng(0)
    iptc = resource(0x0404, IPTC)
    tags = [(33723, 7, None, IPTC, True), (34377, 7, None, iptc, True), (270, 2, 0, UMLAUTS.encode(), True)]
    tifffile.imwrite(tmp_path / 'sound.tif', gray, extratags=tags, metadata=None, resolution=(300, 300))
    sound = (tmp_path / 'sound.tif').read_bytes()
    read = 0
    for turn in range(120):

        def hurt(block):
            block = bytearray(block)
            for _ in range(random.integers(1, 6)):
                block[random.integers(len(block))] = random.choice([0, 1, 127, 255, random.integers(256)])
            return bytes(block)

        kind = ('.jpg', '.png', '.tif')[turn % 3]
        path = tmp_path / f'photo{kind}'
        block, packet = (
            hurt(exif_block('<>'[turn % 2], thumbnail=b'\xff\xd8thumb')),
            hurt(xmp('<dc:title>Oma</dc:title>')),
        )
        if kind == '.jpg':
            adobe = (0xE1, b'http://ns.adobe.com/xap/1.0/\0' + packet)
            jpeg(path, gray, (0xE1, b'Exif\0\0' + block), adobe, (0xED, b'Photoshop 3.0\0' + hurt(iptc)))
        elif kind == '.png':
            texts = [chunk(b'iTXt', hurt(b'Title\0\0\0\0\0text')), chunk(b'tEXt', hurt(b'Title\0text'))]
            png(
                path,
                gray,
                chunk(b'gAMA', hurt(bytes(4))),
                chunk(b'eXIf', block),
                *texts,
                chunk(b'pHYs', hurt(bytes(9))),
            )
        else:
            at = sound.find(struct.pack('<HH', 270, 2))
            path.write_bytes(sound[:at] + hurt(sound[at : at + 12]) + sound[at + 12 :])
        try:
            photo = loading.decode(path, path.name, photofile.MAX_PIXELS)
        except PhotoError:
            assert kind == '.tif'
            continue
        photofile.write(tmp_path / f'out{kind}', photo.pixels, photo)
        assert Image.open(tmp_path / f'out{kind}').size == photo.pixels.shape[1::-1]
        read += 1
    assert read > 100


def test_many_values_in_the_same_place_take_no_memory(gray, tmp_path):
    content = b'II*\0\x08\0\0\0'
    pixels = [(256, 3, 1, 45), (257, 3, 1, 31), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    rows = [*pixels, (278, 3, 1, 31), (279, 4, 1, 45 * 31)]
    many = [(tag, 1, 4_000_000, 100_000) for tag in range(60_000, 65_000)]
    rows = sorted([*rows, (273, 4, 1, 1_000_000), (270, 2, 4, int.from_bytes(b'Oma\0', 'little')), *many])
    content += struct.pack('<H', len(rows)) + b''.join(struct.pack('<HHLL', *row) for row in rows) + bytes(4)
    (tmp_path / 'photo.tif').write_bytes(content.ljust(1_000_000, b'x') + gray.tobytes() + bytes(4_000_000))
    tags, whole = exif.tiff_tags(tmp_path / 'photo.tif', 45, 31)
    assert not whole and tags[270] == (2, b'Oma\0')
    assert sum(len(value) for _, value in tags.values()) <= exif.LARGEST


def test_a_directory_that_points_to_itself_has_an_end(gray, tmp_path):
    block = exif_block()
    at = block.find(struct.pack('<HHL', 0x8769, 4, 1)) + 8
    block = block[:at] + struct.pack('<L', 8) + block[at + 4 :]
    _, out = again(jpeg(tmp_path / 'photo.jpg', gray, (0xE1, b'Exif\0\0' + block)))
    assert found_exif(out)[0x010F] == b'Acme'
    (tmp_path / 'photo.tif').write_bytes(block)
    tags, _ = exif.tiff_tags(tmp_path / 'photo.tif', 45, 31)
    assert tags[0x010F] == (2, b'Acme\0')


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.avif', '.tif'])
def test_no_exif_is_made_up(suffix, gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / f'photo{suffix}')
    _, out = again(tmp_path / f'photo{suffix}')
    assert 'exif' not in Image.open(out).info and b'~~' not in out.read_bytes()


def test_numbers_that_are_no_places_in_a_tiff_are_kept_and_others_are_said(gray, tmp_path):
    said = [(65000, 4, 1, 3, True), (65001, 4, 2, (1, 4_000_000_000), True), (65002, 4, 1, 20, True)]
    tifffile.imwrite(tmp_path / 'a.tif', gray, extratags=said)
    photo, out = again(tmp_path / 'a.tif')
    with tifffile.TiffFile(out) as file:
        tags = file.pages[0].tags
        assert tags[65000].value == 3 and tags[65001].value == (1, 4_000_000_000) and 65002 not in tags
    assert photo.note.endswith('are left out: tags that cannot be read, or may be places in the old file.')
