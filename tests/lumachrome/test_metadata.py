"""What a photo file says besides its pixels: it is still said, and rightly, when the pixels are new."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
import pyvips
import tifffile
from lxml import etree
from PIL import Image, IptcImagePlugin, PngImagePlugin

from lumachrome import containers, exif, metadata, photofile
from lumachrome.errors import PhotoError

UMLAUTS = 'Großmutter in Zürich, 1931 – 祖母'
IPTC = b'\x1c\x01\x5a\x00\x03\x1b%G' + b'\x1c\x02\x19\x00\x06family' + b'\x1c\x02\x5a\x00\x07Z\xc3\xbcrich'
RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'


def again(path, suffix=None):
    """What a photo becomes: read, and written in another place."""
    photo = photofile.read(path)
    out = path.with_name(f'out{suffix or photo.suffix}')
    photofile.write(out, photo.pixels, photo)
    return photo, out


def chunk(kind, content):
    return len(content).to_bytes(4, 'big') + kind + content + zlib.crc32(kind + content).to_bytes(4, 'big')


def png(path, gray, *chunks, late=()):
    """A PNG with chunks before its pixels, and behind them."""
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, 'PNG')
    content = stream.getvalue()
    path.write_bytes(content[:33] + b''.join(chunks) + content[33:-12] + b''.join(late) + content[-12:])
    return path


def resource(number, content):
    return (
        b'8BIM'
        + number.to_bytes(2, 'big')
        + b'\0\0'
        + len(content).to_bytes(4, 'big')
        + content
        + bytes(len(content) % 2)
    )


def jpeg(path, gray, *segments, **saved):
    """A JPEG with segments, each a marker and its content, behind the first."""
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, 'JPEG', quality=95, **saved)
    content = stream.getvalue()
    more = b''.join(bytes([0xFF, marker]) + (len(each) + 2).to_bytes(2, 'big') + each for marker, each in segments)
    path.write_bytes(content[:20] + more + content[20:])
    return path


def exif_block(order='<', resolution=(72, 1), unit=2, turned=6, thumbnail=b''):
    """EXIF in either order of bytes: texts, a rating, size, place, and things that few programs know."""
    wide = 'utf-16-le'
    kinds = {'ascii': 2, 'byte': 1, 'short': 3, 'long': 4, 'rational': 5, 'undefined': 7}

    def packed(kind, value):
        if kind in ('short', 'long'):
            return 1, struct.pack(order + {'short': 'H', 'long': 'L'}[kind], value)
        if kind == 'rational':
            return 1, struct.pack(order + 'LL', *value)
        return len(value), value

    def directory(rows, at, following=0):
        head, values = struct.pack(order + 'H', len(rows)), b''
        for tag, kind, value in rows:
            count, data = packed(kind, value)
            place = at + 2 + 12 * len(rows) + 4 + len(values)
            head += struct.pack(order + 'HHL', tag, kinds[kind], count)
            head += data.ljust(4, b'\0') if len(data) <= 4 else struct.pack(order + 'L', place)
            values += data + bytes(len(data) % 2) if len(data) > 4 else b''
        return head + struct.pack(order + 'L', following) + values

    below = [
        (0x9003, 'ascii', b'1931:07:04 12:00:00\0'),
        (0x927C, 'undefined', b'maker: \xff\xd8 \x00\x01'),
        (0x9286, 'undefined', b'UNICODE\0' + 'für Oma'.encode('utf-16-be' if order == '>' else wide)),
        (0xA001, 'short', 65535),
        (0xA002, 'short', 45),
        (0xA003, 'long', 31),
    ]
    place = [(1, 'ascii', b'N\0')]

    def whole(exif_at, gps_at, thumbnail_at):
        rows = [
            (0x010E, 'ascii', UMLAUTS.encode() + b'\0'),
            (0x010F, 'ascii', b'Acme\0'),
            *([(0x0112, 'short', turned)] if turned else []),
            (0x011A, 'rational', resolution),
            (0x011B, 'rational', resolution),
            (0x0128, 'short', unit),
            (0x4746, 'short', 4),
            (0x4749, 'short', 75),
            (0x8769, 'long', exif_at),
            (0x8825, 'long', gps_at),
            (0x9C9B, 'byte', 'Titel äöü\0'.encode(wide)),
            (0xC6D3, 'undefined', b'private'),
        ]
        return directory(rows, 8, thumbnail_at)

    start = len(whole(0, 0, 0)) + 8
    middle, last = directory(below, start), directory(place, start + len(directory(below, start)))
    end = start + len(middle) + len(last)
    first = whole(start, start + len(middle), end if thumbnail else 0)
    little = directory([(0x0201, 'long', end + 30), (0x0202, 'long', len(thumbnail))], end)
    head = struct.pack(order + '2sHL', b'II' if order == '<' else b'MM', 42, 8)
    return head + first + middle + last + (little + thumbnail if thumbnail else b'')


def found_exif(path):
    """EXIF as Pillow reads it, texts as the bytes that they are."""
    with Image.open(path) as picture:
        read = picture.getexif()
        tags = {**read, **read.get_ifd(0x8769), 'place': read.get_ifd(0x8825)}
    return {tag: value.encode('latin-1') if isinstance(value, str) else value for tag, value in tags.items()}


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


def test_nothing_is_made_up_of_a_jpeg_that_says_nothing(gray, tmp_path):
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray))
    assert photo.resolution is None
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
    monkeypatch.setattr(photofile, '_open', photofile._open_with_pillow)
    photo = photofile.decode(path, path.name, photofile.MAX_PIXELS)
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
    assert photo.note == ''
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


# XMP of any size


def xmp(properties, attributes=''):
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
        f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" {attributes}>{properties}'
        '</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def packets(path):
    """A JPEG's main packet, and its extended one, as its segments say that it is put together."""
    segments = [content for name, content in containers.parts(path) if name == 'APP1']
    (main,) = [each[29:] for each in segments if each.startswith(b'http://ns.adobe.com/xap/1.0/\0')]
    extension = [each[35:] for each in segments if each.startswith(b'http://ns.adobe.com/xmp/extension/\0')]
    content = b''.join(each[40:] for each in extension)
    at = 0
    for each in extension:
        assert each[:32] == hashlib.md5(content).hexdigest().upper().encode()
        assert each[32:40] == struct.pack('>LL', len(content), at)
        at += len(each) - 40
    return main, content


@pytest.mark.parametrize('length', [65_000, 65_200, 65_502, 66_000, 400_000])
@pytest.mark.parametrize('attribute', [True, False])
def test_large_xmp_goes_into_an_extended_packet_of_jpeg(length, attribute, gray, tmp_path):
    large = 'ü' * (length // 2)
    packet = (
        xmp('<dc:title>Oma</dc:title>', f'dc:source="{large}"')
        if attribute
        else xmp(f'<dc:title>Oma</dc:title><dc:source>{large}</dc:source>')
    )
    path = tmp_path / 'photo.webp'  # which bounds no packet
    Image.fromarray(gray).save(path, xmp=packet)
    photo = photofile.read(path)
    photo.format = 'jpeg'
    photofile.write(tmp_path / 'out.jpg', photo.pixels, photo)
    main, extended = packets(tmp_path / 'out.jpg')
    assert metadata.SOURCE_TYPE.encode() in main and b'Oma' in main
    assert (large.encode() in extended) == (
        b'HasExtendedXMP="' + hashlib.md5(extended).hexdigest().upper().encode() in main
    )
    assert len(main) <= 65_502
    photo, out = again(tmp_path / 'out.jpg')  # and is read again, and written again
    whole = photo.metadata['xmp-data'][1]
    assert large in etree.fromstring(whole).xpath('string(.)') + ''.join(
        etree.fromstring(whole).xpath('//@*[local-name()="source"]')
    )
    main, extended = packets(out)
    assert large.encode() in main + extended and main.count(b'HasExtendedXMP') <= 1
    assert main.count(metadata.SOURCE_TYPE.encode()) == 1 and metadata.SOURCE_TYPE.encode() not in extended


def test_xmp_that_cannot_be_split_leaves_the_statement_alone_in_the_main_packet():
    names = ' '.join(f'xmlns:p{i}="http://example.org/{i}"' for i in range(3000))
    packet = metadata.xmp_with_source_type(xmp('', names))
    main, *rest = metadata.xmp_segments(packet)
    assert len(packet) > 65_502 > len(main) and metadata.SOURCE_TYPE.encode() in main
    assert b'p2999' in b''.join(rest)


def test_an_extended_packet_with_a_gap_is_said_to_be_lost(gray, tmp_path):
    digest = b'A' * 32
    main = b'http://ns.adobe.com/xap/1.0/\0' + xmp(
        '<dc:title>Oma</dc:title>', f'xmpNote:HasExtendedXMP="{digest.decode()}"'
    )
    start = b'http://ns.adobe.com/xmp/extension/\0' + digest
    more = xmp('<dc:source>album</dc:source>')
    pieces = [
        (0xE1, start + struct.pack('>LL', len(more), at) + more[at : at + 100]) for at in range(0, len(more), 100)
    ]
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray, (0xE1, main), *pieces[::-1]))  # in any order
    assert b'album' in packets(out)[0] and photo.note == ''
    photo, out = again(jpeg(tmp_path / 'gap.jpg', gray, (0xE1, main), pieces[0], *pieces[2:]))
    assert 'a part of XMP' in photo.note and b'Oma' in packets(out)[0] and b'HasExtended' not in packets(out)[0]


def test_what_the_new_pixels_make_untrue_is_gone_from_xmp(gray, tmp_path):
    packet = xmp('<exif:PixelXDimension>45</exif:PixelXDimension><dc:title>Oma</dc:title>', 'exif:ColorSpace="65535"')
    text = metadata.xmp_with_source_type(packet)
    assert b'PixelXDimension' not in text and b'65535' not in text and b'Oma' in text


# What the values mean


@pytest.mark.parametrize('bits', [8, 16])
def test_the_gamma_of_png_counts(bits, tmp_path):
    most = 2**bits - 1
    levels = np.linspace(0, most, 256).round().astype(np.uint16 if bits == 16 else np.uint8)[None].repeat(4, 0)
    path = tmp_path / 'photo.png'
    for stated, more in ((1.0, ()), (1 / 1.8, ()), (1 / 2.2, ()), (1.0, [chunk(b'sRGB', b'\0')])):
        png(path, levels, chunk(b'gAMA', round(stated * 100_000).to_bytes(4, 'big')), *more)
        light = (levels / most) ** (1 / stated)
        expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * most
        if more or stated == 1 / 2.2:
            expected = levels
        pixels = photofile.read(path).pixels
        assert pixels.dtype == levels.dtype
        assert np.abs(pixels - expected[..., None]).max() <= 1
    alpha = np.dstack([np.full((4, 4, 3), 55, np.uint8), np.full((4, 4), 55, np.uint8)])
    png(path, alpha, chunk(b'gAMA', (100_000).to_bytes(4, 'big')))
    assert photofile.read(path).pixels[0, 0].tolist() == [128, 128, 128, 55]
    png(path, levels, chunk(b'gAMA', bytes(4)))  # no gamma at all
    np.testing.assert_array_equal(photofile.read(path).pixels[..., 0], levels)


@pytest.mark.parametrize(('frame', 'bits'), [(0xC1, 12), (0xC3, 16)])
def test_deep_jpegs_are_named(frame, bits, gray, tmp_path):
    path = jpeg(tmp_path / 'photo.jpg', gray)
    content = bytearray(path.read_bytes())
    at = content.find(b'\xff\xc0')
    content[at + 1], content[at + 4] = frame, bits
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=rf'photo\.jpg is a JPEG of {bits} bits, .* save it as PNG or TIFF first\.'):
        photofile.read(path)


def test_ten_bits_of_tiff_are_named(gray, tmp_path):
    tifffile.imwrite(tmp_path / 'photo.tif', gray)
    content = bytearray((tmp_path / 'photo.tif').read_bytes())
    at = content.find(struct.pack('<HHLH', 258, 3, 1, 8))
    content[at + 8] = 10
    (tmp_path / 'photo.tif').write_bytes(content)
    with pytest.raises(
        PhotoError, match=r'photo\.tif holds 10-bit values: save it with 8 or 16 bits a channel first\.'
    ):
        photofile.read(tmp_path / 'photo.tif')


# Hostile values


def test_damaged_exif_and_xmp_are_left_out_and_said(gray, tmp_path):
    segments = [(0xE1, b'Exif\0\0' + exif_block()[:40]), (0xE1, b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta')]
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray, *segments))
    assert photo.note == (
        'photo.jpg says things about itself that cannot be kept, or cannot be read; they are left out: '
        'EXIF, which is damaged; XMP, which is damaged or too large.'
    )
    assert b'Exif' not in out.read_bytes() and metadata.SOURCE_TYPE.encode() in packets(out)[0]


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
            photo = photofile.decode(path, path.name, photofile.MAX_PIXELS)
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


def test_xmp_with_a_document_type_is_left_out():
    packet = b'<!DOCTYPE x [<!ENTITY a "b">]>' + xmp('<dc:title>&a;</dc:title>')
    etree.fromstring(metadata.xmp_with_source_type(packet))  # which without the type would have no meaning


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.avif', '.tif'])
def test_no_exif_is_made_up(suffix, gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / f'photo{suffix}')
    _, out = again(tmp_path / f'photo{suffix}')
    assert 'exif' not in Image.open(out).info and b'~~' not in out.read_bytes()
