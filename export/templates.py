"""What lies around the formulas of the tail as loops: rows, columns, buffers. `export.loops` fills it in.

«…» are statements, formulas and words to be filled in; ⟨…⟩ is what makes TypeScript of JavaScript.
"""

PYTHON = '''"""The tail as a loop over pixels, compiled by numba: what join.onnx and join16.onnx do, within a level.

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
        «luminance_table»
        red[index] = «luminance_table.level_r»
        green[index] = «luminance_table.level_g»
        blue[index] = «luminance_table.level_b»
    fys = np.empty(65536, F)
    for index in range(65536):
        «fy_table»
        fys[index] = «fy_table.fy»
    return red, green, blue, fys


@compiled
def word_tables():
    """Linear light of each level of 16 bits."""
    lights = np.empty(65536, F)
    for index in range(65536):
        «light_table»
        lights[index] = «light_table.light»
    return (lights,)


@compiled
def placed(index: Any, small: Any, large: Any):
    """Between which two rows or columns of a small map one of a large photo lies, and how far below the first."""
    «place»
    return int(«place.above»), int(«place.below»), «place.share»


@compiled
def enlarge(row: Any, lefts: Any, rights: Any, shares: Any, wide: Any):
    """A row of the map as wide as the photo: what a and b add to CIELAB's f of X and Z."""
    for x in range(len(lefts)):
        left_a, left_b, right_a, right_b = row[lefts[x], 0], row[lefts[x], 1], row[rights[x], 0], row[rights[x], 1]
        share = shares[x]
        «enlarge»
        wide[0, x] = «enlarge.wide_x»
        wide[1, x] = «enlarge.wide_z»


@compiled
def columns(small: Any, width: Any):
    """`placed` of every column."""
    lefts, rights, shares = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, F)
    for x in range(width):
        lefts[x], rights[x], shares[x] = placed(F(x), F(small), F(width))
    return lefts, rights, shares
'''
PYTHON_JOIN = '''

@compiled
def join_«kind»s(photo: Any, ab: Any, first: Any, height: Any, out: Any, tables: Any):
    """Join colors to a band of a photo.

    Parameters
    ----------
    photo : «depth» array [rows, W, 1, 3 or 4]
    ab : float32 array [h, w, 2]
        Of the whole photo.
    first, height : int
        The band's first row, and the height of the whole photo.
    out : «depth» array [rows, W, 3 or 4]
        Is filled; may be `photo`. A fourth channel is taken over.
    tables : tuple of array
        From `«kind»_tables`.
    """
    «tables» = tables
    rows, width, channels = photo.shape
    green_at, blue_at = min(1, channels - 1), min(2, channels - 1)
    lefts, rights, shares = columns(ab.shape[1], width)
    upper, lower = np.empty((2, width), F), np.empty((2, width), F)
    loaded = -1
    # A buffer for each channel: the middle loop is to be made of vectors, which interleaved pixels prevent.
    luminances, fs = np.empty(width, F), np.empty(width, F)
    reds, greens, blues = np.empty(width, np.«depth»), np.empty(width, np.«depth»), np.empty(width, np.«depth»)
    for y in range(rows):
        above, below, share = placed(F(first + y), F(ab.shape[0]), F(height))
        if above != loaded:
            enlarge(ab[above], lefts, rights, shares, upper)
            enlarge(ab[below], lefts, rights, shares, lower)
            loaded = above
        for x in range(width):
            level_r, level_g, level_b = photo[y, x, 0], photo[y, x, green_at], photo[y, x, blue_at]
            «light_«depth»»
            luminances[x] = «light_«depth».luminance»
            fs[x] = «light_«depth».fy»
        for x in range(width):
            luminance, fy = luminances[x], fs[x]
            above_x, above_z, below_x, below_z = upper[0, x], upper[1, x], lower[0, x], lower[1, x]
            «join_«depth»»
            reds[x] = «join_«depth».color_r»
            greens[x] = «join_«depth».color_g»
            blues[x] = «join_«depth».color_b»
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = reds[x], greens[x], blues[x]
        if channels == 4:
            for x in range(width):
                out[y, x, 3] = photo[y, x, 3]
'''

SCRIPT = """// The tail as a loop over pixels: what join.onnx and join16.onnx do, within a level.
// Written by `python -m export tails` from the statements of export/tail.py: not to be changed here.
⟨
export type Pixels = Uint8Array | Uint8ClampedArray | Uint16Array;

/** A band of a photo: whole rows of sRGB pixels, of 3 channels or of 4, whose last is transparency. */
export interface Band {
  pixels: Pixels;
  width: number;
  channels: 3 | 4;
  /** Its first row in the whole photo, and the height of that. */
  first: number;
  height: number;
}

/** CIELAB a and b of the whole photo, pixel by pixel, row by row. */
export interface ColorMap {
  ab: Float32Array;
  width: number;
  height: number;
}
⟩
/** Joins colors to a band of a photo. `out`, as long as the pixels and of their type, is filled; it may be the same. */
export function join(band⟨: Band⟩, colors⟨: ColorMap⟩, out⟨: Pixels⟩ = band.pixels)⟨: void⟩ {
  if (band.pixels instanceof Uint16Array) joinWords(band, colors, band.pixels, out⟨ as Uint16Array⟩);
  else joinBytes(band, colors, bytes(band.pixels), bytes(out⟨ as Uint8Array⟩));
}

/** The same bytes as one type: what writes to a clamped array rounds once more. */
function bytes(pixels⟨: Uint8Array | Uint8ClampedArray⟩)⟨: Uint8Array⟩ {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
}

let byteTables⟨: ReturnType<typeof tablesOfBytes> | undefined⟩;

/** What a level of red, green and blue adds to the luminance, in 1/65535; CIELAB's f of the sum; sRGB of such light. */
function tablesOfBytes() {
  const red = new Int32Array(256), green = new Int32Array(256), blue = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    «luminance_table»
    red[index] = «luminance_table.level_r»;
    green[index] = «luminance_table.level_g»;
    blue[index] = «luminance_table.level_b»;
  }
  const fys = new Float32Array(65536);
  for (let index = 0; index < 65536; index++) {
    «fy_table»
    fys[index] = «fy_table.fy»;
  }
  const encoded = new Uint8Array(65536);
  for (let index = 0; index < 65536; index++) {
    «encoded_table»
    encoded[index] = «encoded_table.color»;
  }
  return { red, green, blue, fys, encoded };
}

let wordTables⟨: ReturnType<typeof tablesOfWords> | undefined⟩;

/** Linear light of each level of 16 bits. */
function tablesOfWords() {
  const lights = new Float32Array(65536);
  for (let index = 0; index < 65536; index++) {
    «light_table»
    lights[index] = «light_table.light»;
  }
  return { lights };
}

/** Between which two rows or columns of a small map one of a large photo lies, and how far below the first. */
function placed(index⟨: number⟩, small⟨: number⟩, large⟨: number⟩)⟨: [number, number, number]⟩ {
  «place»
  return [«place.above», «place.below», «place.share»];
}

/** `placed` of every column. */
function columns(small⟨: number⟩, width⟨: number⟩) {
  const lefts = new Int32Array(width), rights = new Int32Array(width), shares = new Float32Array(width);
  for (let x = 0; x < width; x++) [lefts[x], rights[x], shares[x]] = placed(x, small, width);
  return { lefts, rights, shares };
}

/** A row of the map as wide as the photo, X before Z: what a and b add to CIELAB's f of them. */
function enlarge(colors⟨: ColorMap⟩, row⟨: number⟩, at⟨: ReturnType<typeof columns>⟩, wide⟨: Float32Array⟩) {
  const { ab } = colors, { lefts, rights, shares } = at, width = lefts.length, start = row * colors.width;
  for (let x = 0; x < width; x++) {
    const left = 2 * (start + lefts[x]), right = 2 * (start + rights[x]), share = shares[x];
    const leftA = ab[left], leftB = ab[left + 1], rightA = ab[right], rightB = ab[right + 1];
    «enlarge»
    wide[x] = «enlarge.wide_x»;
    wide[width + x] = «enlarge.wide_z»;
  }
}
"""
SCRIPT_JOIN = """
function join«Kind»s(band⟨: Band⟩, colors⟨: ColorMap⟩, pixels⟨: «Array»⟩, out⟨: «Array»⟩) {
  «kind»Tables ??= tablesOf«Kind»s();
  const { «script_tables» } = «kind»Tables, { width, channels, first, height } = band;
  const at = columns(colors.width, width), rows = pixels.length / width / channels;
  const upper = new Float32Array(2 * width), lower = new Float32Array(2 * width);
  let loaded = -1;
  for (let y = 0, i = 0; y < rows; y++) {
    const [above, below, share] = placed(first + y, colors.height, height);
    if (above !== loaded) {
      enlarge(colors, above, at, upper);
      enlarge(colors, below, at, lower);
      loaded = above;
    }
    for (let x = 0; x < width; x++, i += channels) {
      const levelR = pixels[i], levelG = pixels[i + 1], levelB = pixels[i + 2];
      const aboveX = upper[x], aboveZ = upper[width + x], belowX = lower[x], belowZ = lower[width + x];
      «light_«depth»»
      «join_«depth»»
      out[i] = «encoded_«depth»_r»;
      out[i + 1] = «encoded_«depth»_g»;
      out[i + 2] = «encoded_«depth»_b»;
      if (channels === 4) out[i + 3] = pixels[i + 3];
    }
  }
}
"""
