"""Pixels of any colour space as sRGB."""

import io
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms

VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats

SRGB_GAMMA = 1 / 2.2  # what PNG's gAMA chunk says of sRGB

_SAMPLES = Image.fromarray(np.indices((9, 9, 9), np.uint8).reshape(3, 27, 27).transpose(1, 2, 0) * 31)


def to_srgb(image: VipsImage) -> VipsImage:
    """A picture without alpha, in any space, as sRGB in three bands of the same depth."""
    wide = image.format == 'ushort'
    space = 'rgb16' if wide else 'srgb'
    if _needs_conversion(image):
        try:
            return image.icc_transform(
                'srgb',
                embedded=True,
                input_profile='cmyk' if image.interpretation == 'cmyk' else 'srgb',
                intent='relative',
                black_point_compensation=True,
                depth=16 if wide else 8,
            )
        except pyvips.Error:  # a profile that does not suit its picture
            image = image.copy()
            image.remove('icc-profile-data')
    return image.colourspace(space)


def _needs_conversion(image: VipsImage) -> bool:
    if image.get_typeof('icc-profile-data') == 0:
        return image.interpretation == 'cmyk'
    try:
        profile: Any = ImageCms.ImageCmsProfile(io.BytesIO(image.get('icc-profile-data'))).profile
        space = profile.xcolor_space.strip()
    except (OSError, ValueError):  # a damaged one
        return image.interpretation == 'cmyk'
    if space != 'RGB':
        return True
    # A photo that is in sRGB already keeps every level: going through the profile would round it once more. What a
    # profile calls itself does not tell, as linear ones are called sRGB too.
    try:
        same = ImageCms.profileToProfile(
            _SAMPLES,
            ImageCms.ImageCmsProfile(profile),
            ImageCms.createProfile('sRGB'),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    except ImageCms.PyCMSError:
        return True
    return np.abs(np.asarray(same, int) - np.asarray(_SAMPLES, int)).max() > 1


def from_gamma(image: VipsImage, gamma: float) -> VipsImage:
    """A picture without alpha whose values are light ** gamma, with sRGB's curve instead.

    The curve is IEC 61966-2-1's. What is within 5 % of sRGB's own exponent stays as it is, as libpng holds it.
    """
    if abs(gamma / SRGB_GAMMA - 1) <= 0.05:
        return image
    most = 65_535 if image.format == 'ushort' else 255
    light = np.linspace(0, 1, most + 1) ** (1 / gamma)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table = np.rint(curve * most).astype(np.uint16 if most > 255 else np.uint8)
    return image.maplut(pyvips.Image.new_from_array(table[None])).copy(interpretation=image.interpretation)
