"""What the values of a file mean: gamma, and depths that cannot be read."""

import struct

import numpy as np
import pytest
import tifffile
from files import chunk, jpeg, png

from lumachrome import photofile
from lumachrome.errors import PhotoError


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
