"""Pixels of any colour space as sRGB."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvips
from PIL import Image, ImageCms

VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats

Levels = npt.NDArray[np.float64]

_BLACKEST = 0.184  # what LittleCMS takes for black at most: L* of 50
SRGB_GAMMA = 1 / 2.2  # what PNG's gAMA chunk says of sRGB

_SAMPLES = Image.fromarray(np.indices((9, 9, 9), np.uint8).reshape(3, 27, 27).transpose(1, 2, 0) * 31)


def to_srgb(image: VipsImage) -> VipsImage:
    """A picture without alpha, in any space, as sRGB in three bands of the same depth."""
    wide = image.format == 'ushort'
    space = 'rgb16' if wide else 'srgb'
    if _needs_conversion(image):
        try:
            if image.bands == 1 and (gray := _gray_to_srgb(image)) is not None:
                return gray
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


def _gray_to_srgb(image: VipsImage) -> VipsImage | None:
    """A gray picture by its profile's curve; None where its profile has none.

    LittleCMS takes the curve in so few steps that dark levels are far off, where it is as steep as a gamma of 1.
    """
    most = 65_535 if image.format == 'ushort' else 255
    try:
        light = _light(image.get('icc-profile-data'), np.linspace(0, 1, most + 1))
    except (struct.error, KeyError, ZeroDivisionError):  # a damaged one
        return None
    if light is None:
        return None
    black = min(light[0], _BLACKEST)  # becomes sRGB's, as with other profiles
    light = (light - black) / (1 - black)
    gray = image.maplut(pyvips.Image.new_from_array(_encoded(light.clip(0, 1), most)[None]))
    return gray.bandjoin([gray, gray]).copy(interpretation='rgb16' if most > 255 else 'srgb')


def _light(profile: bytes, levels: Levels) -> Levels | None:
    """What a gray profile says of levels from 0 to 1: ICC.1:2022, 9.2.19 (grayTRCTag), 10.6 and 10.18 (its forms)."""
    (count,) = struct.unpack_from('>I', profile, 128)
    tags = {name: at for name, at, _ in struct.iter_unpack('>4sII', profile[132 : 132 + 12 * count])}
    if profile[16:24] != b'GRAYXYZ ' or b'A2B0' in tags:
        return None
    at = tags[b'kTRC']
    kind, form = profile[at : at + 4], struct.unpack_from('>H', profile, at + 8)[0]
    if kind == b'para':
        whole = _PARAMETRIC[form]
        numbers = struct.unpack_from(f'>{whole.__code__.co_argcount}i', profile, at + 12)
        g, a, b, c, d, e, f = whole(*(number / 65_536 for number in numbers))
        return np.where(levels >= d, (a * levels + b).clip(0) ** g + e, c * levels + f)
    if kind != b'curv':
        return None
    (size,) = struct.unpack_from('>I', profile, at + 8)
    table = np.array(struct.unpack_from(f'>{size}H', profile, at + 12), np.float64)
    if size > 1:
        return np.interp(levels, np.linspace(0, 1, size), table / 65_535)
    return levels ** (table[0] / 256) if size else levels


# The forms of a parametric curve as (a x + b) ** g + e from d on, and c x + f below.
_PARAMETRIC: dict[int, Callable[..., tuple[float, ...]]] = {
    0: lambda g: (g, 1, 0, 0, 0, 0, 0),
    1: lambda g, a, b: (g, a, b, 0, -b / a, 0, 0),
    2: lambda g, a, b, c: (g, a, b, 0, -b / a, c, c),
    3: lambda g, a, b, c, d: (g, a, b, c, d, 0, 0),
    4: lambda g, a, b, c, d, e, f: (g, a, b, c, d, e, f),
}


def _encoded(light: Levels, most: int) -> npt.NDArray[Any]:
    """Light from 0 to 1 as sRGB's whole levels from 0 to `most`, of 8 or 16 bits, by the curve of IEC 61966-2-1."""
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(curve * most).astype(np.uint16 if most > 255 else np.uint8)


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
    return image.maplut(pyvips.Image.new_from_array(_encoded(light, most)[None])).copy(
        interpretation=image.interpretation
    )
