"""The demo: Colorizer, photo files, albums and the command line, on networks whose colours are known beforehand."""

import io
import os
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from demo import album, colorizer, contract, metadata, photofile
from demo.__main__ import main
from demo.colorizer import CPU, CUDA, Colorizer, ModelError, ProviderError
from demo.photofile import PhotoError

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def shipped(standins, monkeypatch):
    monkeypatch.setattr(colorizer, 'MODELS', standins)


@pytest.fixture(scope='module')
def gray():
    """A gray photo of odd size with neither black nor white, so that no colour is clipped."""
    return np.linspace(90, 160, 31 * 45).reshape(31, 45).astype(np.uint8)


def picture(pixels, suffix, tmp_path, **saved):
    path = tmp_path / f'photo{suffix}'
    Image.fromarray(pixels).save(path, **saved)
    return path


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
    np.testing.assert_array_equal(plain.join(gray, ab, 9), plain.join(gray, ab, contract.SATURATION_RANGE[1]))


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


# ---- photo files

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
    root = ElementTree.fromstring(packet)
    name = '{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType'
    return [element.text for element in root.iter(name)], root


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif', '.avif'])
def test_the_result_says_that_software_made_the_colours(suffix, gray, tmp_path):
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
    text = ElementTree.tostring(root, encoding='unicode')
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
    preview = photofile.shrink(photo, long_side=20)
    assert preview.shape == (14, 20, 3) and preview.dtype == np.uint8


def test_another_colour_space_becomes_srgb(tmp_path):
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
    monkeypatch.setattr(photofile, '_open', photofile._open_with_pillow)
    photo = photofile.read(renamed)
    assert photo.format == 'jpeg' and photo.suffix == '.jpg' and photo.pixels.shape == (45, 31, 3)
    assert photo.metadata['exif-ifd0-Make'][1].startswith('Acme')
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
        'import sys, demo.__main__, demo.app; '
        'print([name for name in ("tensorflow", "keras", "skimage", "training", "export") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.stdout.strip() == '[]', done.stderr
