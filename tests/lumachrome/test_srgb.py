"""Gray profiles by their own curve."""

import struct

import numpy as np
import pytest
import pyvips

from lumachrome import srgb


def fixed(*numbers):
    return b''.join(struct.pack('>i', round(number * 65_536)) for number in numbers)


def exponent(gamma):
    return b'curv' + struct.pack('>4xIHxx', 1, round(gamma * 256))


def table(levels):
    return b'curv' + struct.pack(f'>4xI{len(levels)}H', len(levels), *(round(level * 65_535) for level in levels))


def parametric(form, *numbers):
    return b'para' + struct.pack('>4xHxx', form) + fixed(*numbers)


def profile(curve):
    """A gray profile of ICC version 2 with a curve."""
    white = b'XYZ \0\0\0\0' + fixed(0.9642, 1, 0.8249)
    tags = {b'wtpt': white, b'cprt': b'text\0\0\0\0none\0\0\0\0', b'desc': b'desc\0\0\0\0' + bytes(84), b'kTRC': curve}
    listed, body, start = struct.pack('>I', len(tags)), b'', 132 + 12 * len(tags)
    for name, content in tags.items():
        listed += name + struct.pack('>II', start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        '>I4sI4s4s4s12x4s28x', start + len(body), b'lcms', 0x02100000, b'mntr', b'GRAY', b'XYZ ', b'acsp'
    )
    return (header + fixed(0.9642, 1, 0.8249)).ljust(128, b'\0') + listed + body


def converted(content, dtype, most):
    levels = np.arange(most + 1).astype(dtype)
    image = pyvips.Image.new_from_array(levels[None]).copy(interpretation='grey16' if most > 255 else 'b-w')
    image.set_type(pyvips.GValue.blob_type, 'icc-profile-data', content)
    pixels = srgb.to_srgb(image).numpy()
    assert pixels.dtype == dtype and pixels.shape == (1, most + 1, 3)
    assert (pixels == pixels[..., :1]).all()
    return levels / most, pixels[0, :, 0] / most


def encoded(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@pytest.mark.parametrize(('dtype', 'most'), [(np.uint8, 255), (np.uint16, 65_535)])
@pytest.mark.parametrize(
    ('curve', 'light'),
    [
        (exponent(1), lambda x: x),
        (exponent(2.5), lambda x: x**2.5),
        (b'curv' + bytes(8), lambda x: x),
        (table(np.linspace(0, 1, 1024) ** 2), lambda x: x**2),
        (parametric(0, 1.5), lambda x: x**1.5),
        (parametric(1, 2, 1.25, -0.25), lambda x: np.where(x >= 0.2, (1.25 * x - 0.25) ** 2, 0)),
        (parametric(3, *SRGB), lambda x: np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)),
        (parametric(4, *SRGB, 0, 0), lambda x: np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)),
    ],
)
def test_a_gray_profile_is_followed_to_the_level(curve, light, dtype, most):
    levels, pixels = converted(profile(curve), dtype, most)
    rounded = curve[:4] == b'para' or len(curve) > 100  # the numbers of these are, in the file
    steps = 0.51 if not rounded else 8 if most > 255 else 1
    assert np.abs(pixels - encoded(light(levels))).max() * most <= steps


def test_the_black_of_a_profile_becomes_black():
    _, pixels = converted(profile(table(np.linspace(0.1, 1, 256))), np.uint8, 255)
    assert pixels[0] == 0 and pixels[-1] == 1 and (np.diff(pixels) >= 0).all()


@pytest.mark.parametrize('curve', [b'', b'curv', b'curv' + b'\xff' * 8, b'para' + b'\xff' * 8])
def test_a_damaged_profile_is_passed_over(curve):
    _, pixels = converted(profile(curve), np.uint8, 255)
    assert (np.diff(pixels) >= 0).all() and pixels[-1] == 1
