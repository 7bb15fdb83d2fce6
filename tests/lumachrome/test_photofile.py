"""Photo files: what is read comes whole, and what is written keeps what the file said."""

import io
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from lxml import etree
from PIL import Image, ImageCms

from lumachrome import loading, metadata, photofile
from lumachrome.errors import PhotoError


def picture(pixels, suffix, tmp_path, **saved):
    path = tmp_path / f'photo{suffix}'
    Image.fromarray(pixels).save(path, **saved)
    return path


FORMATS = [('.jpg', 'jpeg', {'quality': 95}), ('.png', 'png', {}), ('.webp', 'webp', {'lossless': True})]


def exif():
    data = Image.Exif()
    data[0x010F] = 'Acme'  # Make
    data[0x0112] = 6  # Orientation: turn it to the right
    data[0x8769] = {0x9003: '1931:05:04 03:02:01'}  # DateTimeOriginal
    data[0x8825] = {1: 'N'}  # GPSLatitudeRef
    stored = Image.Exif()
    stored.load(data.tobytes())
    return stored


@pytest.mark.parametrize(('suffix', 'kind', 'saved'), [*FORMATS, ('.tif', 'tiff', {})])
def test_a_photo_comes_upright_and_goes_with_its_metadata(suffix, kind, saved, gray, tmp_path):
    path = picture(gray, suffix, tmp_path, exif=exif(), dpi=(300, 300), **saved)
    photo = photofile.read(path)
    assert photo.pixels.shape == (45, 31, 3) and photo.format == kind
    assert np.abs(photo.pixels[..., 0].astype(int) - np.rot90(gray, -1)).max() <= 3
    out = tmp_path / f'out{suffix}'
    photofile.write(out, photo.pixels, photo)
    with Image.open(out) as written:
        assert written.size == (31, 45) and written.mode == 'RGB'
        found = written.getexif()
        assert found.get(0x0112, 1) == 1  # else it would be turned twice
        assert found[0x010F] == 'Acme'
        assert found.get_ifd(0x8769)[0x9003] == '1931:05:04 03:02:01'
        assert found.get_ifd(0x8825)[1] == 'N'
        if kind != 'webp':  # which has no field for it outside EXIF
            np.testing.assert_allclose([float(side) for side in written.info['dpi']], 300, rtol=1e-4)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(written.info['icc_profile']))
        assert 'sRGB' in ImageCms.getProfileDescription(profile)
    again = photofile.read(out)
    assert np.abs(again.pixels.astype(int) - photo.pixels).max() <= (3 if kind == 'jpeg' else 0)


def test_the_thumbnail_of_the_gray_photo_is_gone(gray, tmp_path):
    thumbnail = io.BytesIO()
    Image.fromarray(gray).resize((16, 12)).save(thumbnail, 'JPEG')
    # Two directories: the photo's, with its maker, and the thumbnail's, with its kind, place and length.
    block = struct.pack('<2sHLHHHL4sL', b'II', 42, 8, 1, 0x010F, 2, 4, b'Acm\0', 26)
    block += struct.pack('<H' + 'HHLL' * 3 + 'L', 3, 0x0103, 3, 1, 6, 0x0201, 4, 1, 68, 0x0202, 4, 1, 999, 0)
    block = block.replace(struct.pack('<L', 999), struct.pack('<L', len(thumbnail.getvalue())))
    block += thumbnail.getvalue()
    Image.fromarray(gray).save(tmp_path / 'with.jpg', exif=b'Exif\0\0' + block)
    assert pyvips.Image.new_from_file(str(tmp_path / 'with.jpg')).get('jpeg-thumbnail-data') == thumbnail.getvalue()
    photo = photofile.read(tmp_path / 'with.jpg')
    photofile.write(tmp_path / 'out.jpg', photo.pixels, photo)
    with Image.open(tmp_path / 'out.jpg') as after:
        assert after.getexif()[0x010F] == 'Acm'
    assert (tmp_path / 'out.jpg').read_bytes().count(b'\xff\xd8\xff') == 1  # where a JPEG begins


def source_types(path):
    packet = pyvips.Image.new_from_file(str(path)).get('xmp-data')
    root = etree.fromstring(packet)
    name = '{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType'
    return [element.text for element in root.iter(name)], root


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif', '.avif'])
def test_the_result_says_that_software_made_the_colors(suffix, gray, tmp_path):
    photo = photofile.read(picture(gray, suffix, tmp_path))
    photofile.write(tmp_path / f'out{suffix}', photo.pixels, photo)
    assert source_types(tmp_path / f'out{suffix}')[0] == [metadata.SOURCE_TYPE]


def test_what_xmp_said_before_stays(gray, tmp_path):
    packet = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
        xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
        xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" dc:source="album 7" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm"
        /></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
    photo = photofile.read(picture(gray, '.jpg', tmp_path, xmp=packet.encode()))
    photofile.write(tmp_path / 'out.jpg', photo.pixels, photo)
    types, root = source_types(tmp_path / 'out.jpg')
    assert types == [metadata.SOURCE_TYPE]
    text = etree.tostring(root, encoding='unicode')
    assert 'album 7' in text and 'negativeFilm' not in text and 'Orientation' not in text


@pytest.mark.parametrize('suffix', ['.png', '.tif'])
@pytest.mark.parametrize('bands', [1, 3])
def test_sixteen_bit_files_keep_all_their_bits(suffix, bands, tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (31, 45, bands)).astype(np.uint16)
    image = pyvips.Image.new_from_array(deep).copy(interpretation='grey16' if bands == 1 else 'rgb16')
    image.write_to_file(str(tmp_path / f'deep{suffix}'))
    photo = photofile.read(tmp_path / f'deep{suffix}')
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(deep, (31, 45, 3)))
    photofile.write(tmp_path / f'out{suffix}', photo.pixels, photo)
    np.testing.assert_array_equal(photofile.read(tmp_path / f'out{suffix}').pixels, photo.pixels)


def test_a_sixteen_bit_tiff_keeps_its_exif(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (310, 450)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / 'deep.tif', exif=exif())
    photo = photofile.read(tmp_path / 'deep.tif')
    photofile.write(tmp_path / 'out.tif', photo.pixels, photo)
    with Image.open(tmp_path / 'out.tif') as written:
        assert written.getexif().get_ifd(0x8769)[0x9003] == '1931:05:04 03:02:01'
        assert len(written.tag_v2[273]) > 1  # strips, each of which must be found again
    assert tifffile.imread(tmp_path / 'out.tif').dtype == np.uint16
    np.testing.assert_array_equal(tifffile.imread(tmp_path / 'out.tif')[..., 0], np.rot90(deep, -1))
    np.testing.assert_array_equal(photofile.read(tmp_path / 'out.tif').pixels, photo.pixels)


@pytest.mark.parametrize('suffix', ['.png', '.tif', '.webp'])
def test_transparency_is_carried_over(suffix, gray, tmp_path):
    alpha = np.arange(31 * 45, dtype=np.uint8).reshape(31, 45)
    path = picture(np.dstack([gray, gray, gray, alpha]), suffix, tmp_path, **({'lossless': True, 'exact': True}))
    photo = photofile.read(path)
    photofile.write(tmp_path / f'out{suffix}', photo.pixels, photo)
    with Image.open(tmp_path / f'out{suffix}') as written:
        assert written.mode == 'RGBA'
        np.testing.assert_array_equal(np.asarray(written)[..., 3], alpha)
    preview = photofile.shrink(photo.pixels, long_side=20)
    assert preview.shape == (14, 20, 3) and preview.dtype == np.uint8


def test_another_color_space_becomes_srgb(tmp_path):
    profile = pyvips.Operation.call('profile_load', 'p3')
    red = pyvips.Image.new_from_array(np.full((8, 8, 3), (243, 25, 25), np.uint8)).copy(interpretation='srgb')
    red.set_type(pyvips.GValue.blob_type, 'icc-profile-data', profile)
    red.pngsave(str(tmp_path / 'p3.png'))
    photo = photofile.read(tmp_path / 'p3.png')
    converted = ImageCms.profileToProfile(
        Image.open(tmp_path / 'p3.png'),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile('sRGB'),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert photo.pixels[0, 0, 0] > 243  # the same red lies further out in the smaller space
    assert np.abs(photo.pixels[0, 0].astype(int) - np.asarray(converted)[0, 0]).max() <= 2


def test_linear_srgb_is_known_by_its_curve_not_its_name(tmp_path):
    profile = bytearray(pyvips.Operation.call('profile_load', 'srgb'))
    for i in range(int.from_bytes(profile[128:132], 'big')):  # the table of an ICC profile: name, where, how long
        entry = profile[132 + 12 * i : 144 + 12 * i]
        if entry[1:4] == b'TRC':
            where = int.from_bytes(entry[4:8], 'big')
            profile[where : where + 12] = b'curv' + bytes(8)  # a straight line
    assert 'sRGB' in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile))))
    Image.new('RGB', (8, 8), (55, 55, 55)).save(tmp_path / 'linear.png', icc_profile=bytes(profile))
    assert abs(int(photofile.read(tmp_path / 'linear.png').pixels[0, 0, 0]) - 128) <= 1
    levels = np.arange(256, dtype=np.uint8)[None].repeat(8, 0)
    Image.fromarray(levels).convert('RGB').save(
        tmp_path / 'srgb.png', icc_profile=pyvips.Operation.call('profile_load', 'srgb')
    )
    np.testing.assert_array_equal(photofile.read(tmp_path / 'srgb.png').pixels[..., 0], levels)


def test_sixteen_bits_are_kept_and_floats_refused_in_formats_that_only_pillow_knows(tmp_path):
    levels = np.linspace(0, 65535, 64 * 64).round().astype('uint16').reshape(64, 64)
    (tmp_path / 'deep.pgm').write_bytes(b'P5 64 64 65535\n' + levels.astype('>u2').tobytes())
    pixels = photofile.read(tmp_path / 'deep.pgm').pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[..., 0], levels)
    (tmp_path / 'float.pfm').write_bytes(b'Pf\n64 64\n-1.0\n' + (levels / 65535).astype('<f4').tobytes())
    with pytest.raises(photofile.PhotoError, match='8 or 16 bits'):
        photofile.read(tmp_path / 'float.pfm')


def test_bmp_keeps_its_resolution(gray, tmp_path):
    Image.fromarray(gray).save(tmp_path / 'scan.bmp', dpi=(300, 300))
    photo = photofile.read(tmp_path / 'scan.bmp')
    photofile.write(tmp_path / 'scan.png', photo.pixels, photo)
    assert np.allclose(Image.open(tmp_path / 'scan.png').info['dpi'], 300, atol=0.1)


def test_cmyk_and_palettes_and_bits_are_read(gray, tmp_path):
    image = Image.fromarray(gray)
    image.convert('CMYK').save(tmp_path / 'cmyk.jpg')
    image.convert('P').save(tmp_path / 'palette.png')
    image.point(lambda level: 255 * (level > 120)).convert('1').save(tmp_path / 'bits.tif')
    image.save(tmp_path / 'photo.gif')
    image.save(tmp_path / 'photo.bmp')
    for name in ('palette.png', 'photo.gif', 'photo.bmp'):
        np.testing.assert_array_equal(photofile.read(tmp_path / name).pixels[..., 1], gray, name)
    bits = photofile.read(tmp_path / 'bits.tif').pixels
    np.testing.assert_array_equal(bits[..., 0], np.where(gray > 120, 255, 0))
    cmyk = photofile.read(tmp_path / 'cmyk.jpg').pixels.astype(int)
    assert cmyk.shape == (31, 45, 3) and np.corrcoef(cmyk[..., 1].ravel(), gray.ravel())[0, 1] > 0.99
    assert photofile.read(tmp_path / 'photo.gif').suffix == '.png'


def test_heic_becomes_jpeg_with_its_metadata(monkeypatch, gray, tmp_path):
    # Nothing here can write HEIC: what Pillow's plug-in hands over stands in for it.
    path = picture(gray, '.jpg', tmp_path, exif=exif())
    renamed = path.rename(tmp_path / 'IMG_1.HEIC')
    monkeypatch.setattr(loading, '_open', loading._open_with_pillow)
    photo = loading.decode(renamed, renamed.name, photofile.MAX_PIXELS)
    assert photo.format == 'jpeg' and photo.suffix == '.jpg' and photo.pixels.shape == (45, 31, 3)
    assert photo.said.fields['exif-ifd0-Make'][1].startswith('Acme')
    assert '.heic' in Image.registered_extensions()


def test_of_several_pages_the_first_is_taken_and_said_so(gray, tmp_path):
    path = tmp_path / 'pages.tif'
    Image.fromarray(gray).save(path, save_all=True, append_images=[Image.new('L', (9, 9))] * 2)
    photo = photofile.read(path)
    assert photo.pixels.shape == (31, 45, 3) and photo.note == 'pages.tif has 3 pages or frames; this is the first one.'


def broken(kind, folder, gray):
    path = folder / f'{kind}.jpg'
    if kind == 'text':
        path.write_text('hello')
    elif kind == 'empty':
        path.touch()
    elif kind == 'cut':
        picture(np.tile(gray, (9, 9)), '.jpg', folder).rename(path)
        path.write_bytes(path.read_bytes()[:-900])
    elif kind == 'folder':
        path.mkdir()
    elif kind == 'drawing':
        path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    elif kind == 'float':
        Image.fromarray(gray.astype(np.float32)).save(path, 'TIFF')
    elif kind == 'bomb':
        Image.new('1', (30_000, 10_001)).save(path, 'PNG')
    return path


@pytest.mark.parametrize(
    ('kind', 'words'),
    [
        ('text', 'is not a photo'),
        ('empty', 'is not a photo'),
        ('cut', 'cut short'),
        ('missing', 'does not exist'),
        ('folder', 'is a folder'),
        ('drawing', 'is not a photo'),
        ('float', '8 or 16 bits'),
        ('bomb', 'more than 300 megapixels'),
    ],
)
def test_a_bad_photo_is_named_in_one_sentence(kind, words, gray, tmp_path):
    path = broken(kind, tmp_path, gray)
    with pytest.raises(PhotoError, match=words) as error:
        photofile.read(path)
    assert path.name in str(error.value) and '\n' not in str(error.value)


@pytest.mark.filterwarnings('ignore::UserWarning')  # Pillow on damaged tags
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif', '.webp', '.avif', '.gif', '.bmp'])
def test_whatever_bytes_a_file_holds_the_answer_is_a_photo_or_a_sentence(suffix, gray, tmp_path):
    sound = picture(gray, suffix, tmp_path).read_bytes()
    random = np.random.default_rng(0)
    path = tmp_path / f'damaged{suffix}'
    refused = 0
    for _ in range(40):
        damaged = bytearray(sound)
        for _ in range(4):
            damaged[random.integers(len(damaged))] = random.integers(256)
        path.write_bytes(damaged[: random.integers(1, 2 * len(damaged))])
        try:
            photo = photofile.read(path)
        except PhotoError as error:
            refused += 1
            assert path.name in str(error)
        else:
            assert photo.pixels.ndim == 3 and photo.pixels.shape[2] == 3
    assert refused > 5


def test_a_write_that_fails_leaves_nothing(monkeypatch, gray, tmp_path):
    photo = photofile.read(picture(gray, '.png', tmp_path))
    (tmp_path / 'out.png').write_bytes(b'before')

    def half(image, path, **keep):
        Path(path).write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setitem(photofile._SAVERS, 'png', half)
    with pytest.raises(PhotoError, match=r'out\.png cannot be written: No space left on device'):
        photofile.write(tmp_path / 'out.png', photo.pixels, photo)
    assert (tmp_path / 'out.png').read_bytes() == b'before'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out.png', 'photo.png']


def test_nothing_in_xmp_costs_time_or_stays_behind(gray, tmp_path):
    start = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    many = ' '.join(f'xmlns:p{i}="http://example.org/{i}"' for i in range(60_000))
    end = '</rdf:RDF></x:xmpmeta>'
    before = time.process_time()  # one quadratic step takes a minute
    packet = metadata.xmp_with_source_type(f'{start}<rdf:Description {many}/>{end}'.encode())
    assert time.process_time() - before < 10 and b'xmlns:p59999' in packet and metadata.SOURCE_TYPE.encode() in packet
    assert b'p59999' not in metadata.xmp_with_source_type(None)
    secret = tmp_path / 'secret'
    secret.write_text('of this machine')
    entity = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>{start}<rdf:Description>&a;</rdf:Description>{end}'
    assert b'of this machine' not in metadata.xmp_with_source_type(entity.encode())


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(gray, tmp_path):
    for suffix in ('.png', '.bmp'):  # libvips' and Pillow's
        path = tmp_path / f'large{suffix}'
        Image.new('L', (1200, 1000)).save(path)
        assert photofile.read(path, max_pixels=1_200_000).pixels.shape == (1000, 1200, 3)
        with pytest.raises(PhotoError, match=rf'large\{suffix} has more than 1 megapixels'):
            photofile.read(path, max_pixels=1_100_000)


def test_no_other_program_is_started(gray, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, 'Popen', lambda *given, **more: pytest.fail('started'))
    path = tmp_path / 'drawing.jpg'
    Image.fromarray(gray).convert('RGB').save(path, 'EPS')
    with pytest.raises(PhotoError, match=r'drawing\.jpg is not a photo'):
        loading.decode(path, path.name, photofile.MAX_PIXELS)


def test_what_a_tiff_has_beyond_colors_and_transparency_is_left_out(gray, tmp_path):
    more = np.random.default_rng(0).integers(0, 256, (31, 45, 3)).astype(np.uint8)
    for name, colors in (('gray.tif', gray[..., None]), ('rgb.tif', np.repeat(gray[..., None], 3, -1))):
        kind = {1: 'minisblack', 3: 'rgb'}[colors.shape[-1]]
        extras = {'extrasamples': ['unassalpha', 'unspecified', 'unspecified'], 'planarconfig': 'contig'}
        tifffile.imwrite(tmp_path / name, np.concatenate([colors, more], -1), photometric=kind, **extras)
        photo = photofile.read(tmp_path / name)
        np.testing.assert_array_equal(photo.pixels[..., :3], np.repeat(gray[..., None], 3, -1))
        np.testing.assert_array_equal(photo.pixels[..., 3:], more[..., :1])


def test_twelve_bits_are_refused_rather_than_read_wrong(tmp_path):
    # Two pixels of 12 bits in three bytes; libvips does not read them
    tags = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 3)]
    entries = b''.join(struct.pack('<HHLL', *tag) for tag in tags)
    content = (
        struct.pack('<2sHL', b'II', 42, 12) + b'\x80\x08\x00\0' + struct.pack('<H', len(tags)) + entries + bytes(4)
    )
    (tmp_path / 'deep.tif').write_bytes(content)
    with pytest.raises(PhotoError, match=r'deep\.tif holds 12-bit values: save it with 8 or 16 bits a channel first\.'):
        photofile.read(tmp_path / 'deep.tif')


def test_heic_with_transparency_becomes_png(monkeypatch, gray, tmp_path):
    image = Image.fromarray(gray).convert('RGBA')
    image.putalpha(Image.fromarray(gray))
    image.save(tmp_path / 'photo.png')
    opened = loading._open
    monkeypatch.setattr(loading, '_open', lambda *given: (opened(*given)[0], 'jpeg'))  # as for HEIC
    photo = loading.decode(tmp_path / 'photo.png', 'photo.png', photofile.MAX_PIXELS)
    assert photo.format == 'png' and photo.pixels.shape == (31, 45, 4)


def test_names_as_long_as_they_can_be(gray, tmp_path):
    path = picture(gray, '.png', tmp_path).rename(tmp_path / f'{"ü" * 125}.png')
    photo = photofile.read(path)
    photofile.write(tmp_path / 'out' / path.name, photo.pixels, photo)
    assert [each.name for each in (tmp_path / 'out').iterdir()] == [path.name]
    with pytest.raises(PhotoError, match='does not exist'):
        photofile.read(tmp_path / f'{"ü" * 200}.png')
    with pytest.raises(PhotoError, match='cannot be written: File name too long'):
        photofile.write(tmp_path / f'{"ü" * 200}.png', photo.pixels, photo)


@pytest.mark.parametrize('start', [b'\xff\x0a', b'\0\0\0\x0cJXL \r\n\x87\n'])
def test_jpeg_xl_is_named(start, tmp_path):
    (tmp_path / 'a.jxl').write_bytes(start + bytes(100))
    with pytest.raises(PhotoError, match=r'^a\.jxl is JPEG XL, which is not read here: save it as PNG, TIFF or JPEG f'):
        photofile.read(tmp_path / 'a.jxl')


def test_what_was_deleted_in_between_is_gone(tmp_path):
    with pytest.raises(PhotoError, match=r'^a\.jpg is gone: it was there a moment ago\.$'):
        loading.decode(tmp_path / 'a.jpg', 'a.jpg', photofile.MAX_PIXELS)
