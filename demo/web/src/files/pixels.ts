/** Pixels as decoders give them, made into those of a photo. */

import { is16, PhotoError, type Pixels, row, type Samples } from '../engine/photo';

export const MOST_PIXELS = 120_000_000;
/** Pixels that a codec in WebAssembly writes; of more, it needs more memory than a tab should take. */
export const MOST_IN_CODEC = 40_000_000;

/** Refuse a photo that is larger than what is taken. */
export function checkSize(width: number, height: number): void {
  if (width * height > MOST_PIXELS) {
    throw new PhotoError('file_too_large', {
      megapixels: Math.round((width * height) / 1e6),
      most: MOST_PIXELS / 1e6,
    });
  }
}

/** Pixels of 1 (gray), 2, 3 or 4 channels as three and what is transparent. */
export function split(data: Samples, channels: number, { width, height }: { width: number; height: number }): Pixels {
  if (channels === 3) return { width, height, pixels: data, alpha: null };
  const count = width * height;
  const make = is16(data) ? Uint16Array : Uint8Array;
  const hasAlpha = channels === 2 || channels === 4;
  const colors = channels - (hasAlpha ? 1 : 0);
  const alpha = hasAlpha ? new make(count) : null;
  const pixels = new make(count * 3);
  for (let i = 0, j = 0, k = 0; k < count; i += channels, j += 3, k++) {
    pixels[j] = data[i];
    pixels[j + 1] = data[colors === 1 ? i : i + 1];
    pixels[j + 2] = data[colors === 1 ? i : i + 2];
    if (alpha) alpha[k] = data[i + colors];
  }
  return { width, height, pixels, alpha };
}

/** A picture of 8 bits without transparency: what is transparent has become white. */
export function onWhite(photo: Pixels): Pixels {
  const { width, height } = photo;
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) row(photo, y, pixels.subarray(y * width * 3, (y + 1) * width * 3));
  return { width, height, pixels, alpha: null };
}
