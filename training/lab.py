"""sRGB to CIELAB and back, on the backend that Keras runs on, so that it can be a part of a training step.

The constants are scikit-image's (D65 white, 2 degree observer), so that figures agree with `skimage.color`.
"""

import numpy as np
from keras import ops

RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of D65
_RGB_TO_WHITE = RGB_TO_XYZ / WHITE[:, None]  # XYZ as fractions of white
_WHITE_TO_RGB = np.linalg.inv(_RGB_TO_WHITE)


def srgb_to_linear(rgb):
    """Undo the sRGB transfer curve.

    Parameters
    ----------
    rgb : float tensor, any shape
        sRGB values, 0 to 1.

    Returns
    -------
    float tensor, same shape
        Linear light, 0 to 1.
    """
    # The power sees no value under the knee, so that gradients stay finite where `where` drops it.
    return ops.where(rgb > 0.04045, ((ops.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def linear_to_srgb(light):
    """Apply the sRGB transfer curve: the inverse of `srgb_to_linear`."""
    return ops.where(light > 0.0031308, 1.055 * ops.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055, light * 12.92)


def _f(t):
    return ops.where(t > 0.008856, ops.maximum(t, 0.008856) ** (1 / 3), 7.787 * t + 16 / 116)


def _f_inverse(t):
    return ops.where(t > 0.2068966, ops.maximum(t, 0.2068966) ** 3, (t - 16 / 116) / 7.787)


def lightness(luminance):
    """CIELAB L, 0 to 100, of linear luminance Y, 0 to 1."""
    return 116 * _f(luminance) - 16


def luminance(light):
    """Luminance Y, 0 to 1, shape [..., 1], of linear RGB, shape [..., 3]."""
    return ops.tensordot(light, ops.cast(RGB_TO_XYZ[1][:, None], light.dtype), 1)


def rgb_to_lab(rgb):
    """CIELAB of sRGB.

    Parameters
    ----------
    rgb : float tensor [..., 3]
        sRGB values, 0 to 1.

    Returns
    -------
    L : float tensor [..., 1]
        Lightness, 0 to 100.
    ab : float tensor [..., 2]
        Green to red and blue to yellow; over all of sRGB a is -86.2 to 98.2 and b -107.9 to 94.5.

    Notes
    -----
    Equal to `skimage.color.rgb2lab` to 0.01 on 8-bit colours.
    """
    xyz = _f(ops.tensordot(srgb_to_linear(rgb), ops.cast(_RGB_TO_WHITE.T, rgb.dtype), 1))
    x, y, z = xyz[..., 0:1], xyz[..., 1:2], xyz[..., 2:3]
    return 116 * y - 16, ops.concatenate([500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_rgb(L, ab):
    """sRGB, 0 to 1, of CIELAB; colours outside the gamut are clipped, as `skimage.color.lab2rgb` does it.

    Parameters
    ----------
    L : float tensor [..., 1]
    ab : float tensor [..., 2]

    Returns
    -------
    float tensor [..., 3]
    """
    return ops.clip(linear_to_srgb(_light(L, ab)), 0.0, 1.0)


def joined(L, ab):
    """sRGB, 0 to 1, of CIELAB as the finished file joins it: parameters as of `lab_to_rgb`.

    A colour outside the gamut is pulled in linear light toward the gray of its own luminance until it fits, so that
    luminance and hue direction stay and chroma gives way.
    """
    gray = _f_inverse((L + 16) / 116)
    chroma = _light(L, ab) - gray
    room_above = (1 - gray) / ops.maximum(ops.max(chroma, axis=-1, keepdims=True), 1e-6)
    room_below = gray / ops.maximum(-ops.min(chroma, axis=-1, keepdims=True), 1e-6)
    share = ops.minimum(ops.minimum(room_above, room_below), 1.0)
    return ops.clip(linear_to_srgb(gray + share * chroma), 0.0, 1.0)


def _light(L, ab):
    """Linear RGB, in and out of the gamut, of CIELAB."""
    y = (L + 16) / 116
    xyz = ops.concatenate([y + ab[..., 0:1] / 500, y, y - ab[..., 1:2] / 200], axis=-1)
    # scikit-image clips negative Z before the cube.
    return ops.tensordot(_f_inverse(ops.maximum(xyz, 0.0)), ops.cast(_WHITE_TO_RGB.T, L.dtype), 1)
