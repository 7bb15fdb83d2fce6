"""The tail as a loop over pixels, compiled by numba: what join.onnx and join16.onnx do, within a level.

Written by `python -m export tails` from the statements of export/tail.py: not to be changed here.
"""

import math
from typing import Any

import numpy as np
from numba import njit

F = np.float32
# Without the interpreter's lock, so that bands can be joined at once; compiled once and kept beside this file.
compiled = njit(cache=True, nogil=True, fastmath=True, error_model='numpy')


@compiled
def byte_tables():
    """What a level of red, green and blue adds to the luminance, in integers of 1/65535; CIELAB's f of their sum."""
    red, green, blue = np.empty(256, np.int32), np.empty(256, np.int32), np.empty(256, np.int32)
    for index in range(256):
        div_0 = index / 255.0
        add_8 = ((max(div_0, 0.04045) + 0.055) / 1.055) ** 2.4 + (min(div_0, 0.04045) - 0.04045) / 12.92
        of_red = round(add_8 * 13937.394)
        of_gray = round(add_8 * 65535.0)
        of_blue = round(add_8 * 4729.595)
        red[index] = of_red
        green[index] = of_gray - of_red - of_blue
        blue[index] = of_blue
    fys = np.empty(65536, F)
    for index in range(65536):
        div_0 = index / 65535.0
        fys[index] = max(div_0, 0.008856452) ** 0.33333334 + (min(div_0, 0.008856452) - 0.008856452) * 7.787
    return red, green, blue, fys


@compiled
def word_tables():
    """Linear light of each level of 16 bits."""
    lights = np.empty(65536, F)
    for index in range(65536):
        div_0 = index / 65535.0
        lights[index] = ((max(div_0, 0.04045) + 0.055) / 1.055) ** 2.4 + (min(div_0, 0.04045) - 0.04045) / 12.92
    return (lights,)


@compiled
def placed(index: Any, small: Any, large: Any):
    """Between which two rows or columns of a small map one of a large photo lies, and how far below the first."""
    last = small - F(1.0)
    place = max(min((index + F(0.5)) * (small / large) - F(0.5), last), F(0.0))
    above_it = np.floor(place)
    return int(above_it), int(min(above_it + F(1.0), last)), place - above_it


@compiled
def enlarge(row: Any, lefts: Any, rights: Any, shares: Any, wide: Any):
    """A row of the map as wide as the photo: what a and b add to CIELAB's f of X and Z."""
    for x in range(len(lefts)):
        left_a, left_b, right_a, right_b = row[lefts[x], 0], row[lefts[x], 1], row[rights[x], 0], row[rights[x], 1]
        share = shares[x]
        wide[0, x] = (left_a + (right_a - left_a) * share) * F(0.002)
        wide[1, x] = (left_b + (right_b - left_b) * share) * F(-0.005)


@compiled
def columns(small: Any, width: Any):
    """`placed` of every column."""
    lefts, rights, shares = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, F)
    for x in range(width):
        lefts[x], rights[x], shares[x] = placed(F(x), F(small), F(width))
    return lefts, rights, shares


@compiled
def join_bytes(photo: Any, ab: Any, first: Any, height: Any, out: Any, tables: Any):
    """Join colors to a band of a photo.

    Parameters
    ----------
    photo : uint8 array [rows, W, 1, 3 or 4]
    ab : float32 array [h, w, 2]
        Of the whole photo.
    first, height : int
        The band's first row, and the height of the whole photo.
    out : uint8 array [rows, W, 3 or 4]
        Is filled; may be `photo`. A fourth channel is taken over.
    tables : tuple of array
        From `byte_tables`.
    """
    red, green, blue, fys = tables
    rows, width, channels = photo.shape
    green_at, blue_at = min(1, channels - 1), min(2, channels - 1)
    lefts, rights, shares = columns(ab.shape[1], width)
    upper, lower = np.empty((2, width), F), np.empty((2, width), F)
    loaded = -1
    # A buffer for each channel: the middle loop is to be made of vectors, which interleaved pixels prevent.
    luminances, fs = np.empty(width, F), np.empty(width, F)
    reds, greens, blues = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint8)
    for y in range(rows):
        above, below, share = placed(F(first + y), F(ab.shape[0]), F(height))
        if above != loaded:
            enlarge(ab[above], lefts, rights, shares, upper)
            enlarge(ab[below], lefts, rights, shares, lower)
            loaded = above
        for x in range(width):
            level_r, level_g, level_b = photo[y, x, 0], photo[y, x, green_at], photo[y, x, blue_at]
            index = red[np.int32(level_r)] + green[np.int32(level_g)] + blue[np.int32(level_b)]
            luminance = F(index) * F(1.5259022e-05)
            fy = fys[index]
            luminances[x] = luminance
            fs[x] = fy
        for x in range(width):
            luminance, fy = luminances[x], fs[x]
            above_x, above_z, below_x, below_z = upper[0, x], upper[1, x], lower[0, x], lower[1, x]
            t_x = above_x + (below_x - above_x) * share + fy
            cubed_x = max(t_x, F(0.20689656))
            difference_x = cubed_x * cubed_x * cubed_x + (t_x - cubed_x) * F(0.12841916) - luminance
            t_z = above_z + (below_z - above_z) * share + fy
            cubed_z = max(t_z, F(0.20689656))
            difference_z = cubed_z * cubed_z * cubed_z + (t_z - cubed_z) * F(0.12841916) - luminance
            chroma_r = difference_x * F(3.0799348) + difference_z * F(-0.54278344)
            chroma_g = difference_x * F(-0.9212342) + difference_z * F(0.04524418)
            chroma_b = difference_x * F(0.052889682) + difference_z * F(1.1511517)
            room_above = (F(1.0) - luminance) / max(max(max(chroma_r, chroma_g), chroma_b), F(1e-06))
            room_below = luminance / -min(min(min(chroma_r, chroma_g), chroma_b), F(-1e-06))
            fit = min(min(room_above, room_below), F(1.0))
            light_r = luminance + chroma_r * fit
            root_r = math.sqrt(math.sqrt(max(light_r, F(0.0031308))))
            add_36_r = root_r * (root_r * (root_r * F(19.505587) + F(-82.47508)) + F(283.58286)) + F(50.988174)
            curve_r = root_r * add_36_r + F(-26.410467)
            light_g = luminance + chroma_g * fit
            root_g = math.sqrt(math.sqrt(max(light_g, F(0.0031308))))
            add_36_g = root_g * (root_g * (root_g * F(19.505587) + F(-82.47508)) + F(283.58286)) + F(50.988174)
            curve_g = root_g * add_36_g + F(-26.410467)
            light_b = luminance + chroma_b * fit
            root_b = math.sqrt(math.sqrt(max(light_b, F(0.0031308))))
            add_36_b = root_b * (root_b * (root_b * F(19.505587) + F(-82.47508)) + F(283.58286)) + F(50.988174)
            curve_b = root_b * add_36_b + F(-26.410467)
            reds[x] = np.uint8(np.int32(curve_r + min(light_r, F(0.0031308)) * F(3294.6)))
            greens[x] = np.uint8(np.int32(curve_g + min(light_g, F(0.0031308)) * F(3294.6)))
            blues[x] = np.uint8(np.int32(curve_b + min(light_b, F(0.0031308)) * F(3294.6)))
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = reds[x], greens[x], blues[x]
        if channels == 4:
            for x in range(width):
                out[y, x, 3] = photo[y, x, 3]


@compiled
def join_words(photo: Any, ab: Any, first: Any, height: Any, out: Any, tables: Any):
    """Join colors to a band of a photo.

    Parameters
    ----------
    photo : uint16 array [rows, W, 1, 3 or 4]
    ab : float32 array [h, w, 2]
        Of the whole photo.
    first, height : int
        The band's first row, and the height of the whole photo.
    out : uint16 array [rows, W, 3 or 4]
        Is filled; may be `photo`. A fourth channel is taken over.
    tables : tuple of array
        From `word_tables`.
    """
    (lights,) = tables
    rows, width, channels = photo.shape
    green_at, blue_at = min(1, channels - 1), min(2, channels - 1)
    lefts, rights, shares = columns(ab.shape[1], width)
    upper, lower = np.empty((2, width), F), np.empty((2, width), F)
    loaded = -1
    # A buffer for each channel: the middle loop is to be made of vectors, which interleaved pixels prevent.
    luminances, fs = np.empty(width, F), np.empty(width, F)
    reds, greens, blues = np.empty(width, np.uint16), np.empty(width, np.uint16), np.empty(width, np.uint16)
    for y in range(rows):
        above, below, share = placed(F(first + y), F(ab.shape[0]), F(height))
        if above != loaded:
            enlarge(ab[above], lefts, rights, shares, upper)
            enlarge(ab[below], lefts, rights, shares, lower)
            loaded = above
        for x in range(width):
            level_r, level_g, level_b = photo[y, x, 0], photo[y, x, green_at], photo[y, x, blue_at]
            luminance_3 = lights[np.int32(level_r)] * F(0.212671) + lights[np.int32(level_g)] * F(0.71516)
            mul_2_b = lights[np.int32(level_b)] * F(0.072169)
            luminance = luminance_3 + mul_2_b
            pow_5 = max(luminance, F(0.008856452)) ** F(0.33333334)
            mul_8 = (min(luminance, F(0.008856452)) - F(0.008856452)) * F(7.787)
            fy = pow_5 + mul_8
            luminances[x] = luminance
            fs[x] = fy
        for x in range(width):
            luminance, fy = luminances[x], fs[x]
            above_x, above_z, below_x, below_z = upper[0, x], upper[1, x], lower[0, x], lower[1, x]
            t_x = above_x + (below_x - above_x) * share + fy
            cubed_x = max(t_x, F(0.20689656))
            difference_x = cubed_x * cubed_x * cubed_x + (t_x - cubed_x) * F(0.12841916) - luminance
            t_z = above_z + (below_z - above_z) * share + fy
            cubed_z = max(t_z, F(0.20689656))
            difference_z = cubed_z * cubed_z * cubed_z + (t_z - cubed_z) * F(0.12841916) - luminance
            chroma_r = difference_x * F(3.0799348) + difference_z * F(-0.54278344)
            chroma_g = difference_x * F(-0.9212342) + difference_z * F(0.04524418)
            chroma_b = difference_x * F(0.052889682) + difference_z * F(1.1511517)
            room_above = (F(1.0) - luminance) / max(max(max(chroma_r, chroma_g), chroma_b), F(1e-06))
            room_below = luminance / -min(min(min(chroma_r, chroma_g), chroma_b), F(-1e-06))
            fit = min(min(room_above, room_below), F(1.0))
            light_r = luminance + chroma_r * fit
            mul_30_r = max(light_r, F(0.0031308)) ** F(0.41666666) * F(69139.42)
            mul_32_r = min(light_r, F(0.0031308)) * F(846712.2)
            light_g = luminance + chroma_g * fit
            mul_30_g = max(light_g, F(0.0031308)) ** F(0.41666666) * F(69139.42)
            mul_32_g = min(light_g, F(0.0031308)) * F(846712.2)
            light_b = luminance + chroma_b * fit
            mul_30_b = max(light_b, F(0.0031308)) ** F(0.41666666) * F(69139.42)
            mul_32_b = min(light_b, F(0.0031308)) * F(846712.2)
            reds[x] = np.uint16(np.int32(mul_30_r + mul_32_r + F(-6254.8115)))
            greens[x] = np.uint16(np.int32(mul_30_g + mul_32_g + F(-6254.8115)))
            blues[x] = np.uint16(np.int32(mul_30_b + mul_32_b + F(-6254.8115)))
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = reds[x], greens[x], blues[x]
        if channels == 4:
            for x in range(width):
                out[y, x, 3] = photo[y, x, 3]
