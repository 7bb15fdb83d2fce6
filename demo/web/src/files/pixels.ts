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

let isTold: boolean | null = null; // asked once

/** Whether canvases give back what was put into them: against fingerprinting, some browsers give noise instead. */
export function canvasTells(): boolean {
  if (isTold === null) {
    const context = new OffscreenCanvas(16, 16).getContext('2d', { willReadFrequently: true });
    const put = new ImageData(16, 16);
    for (let i = 0; i < put.data.length; i++) put.data[i] = i % 4 === 3 ? 255 : (37 * i) % 256;
    context?.putImageData(put, 0, 0);
    const got = context?.getImageData(0, 0, 16, 16).data ?? put.data;
    const apart = put.data.reduce((sum, value, i) => sum + Math.abs(value - got[i]), 0);
    isTold = apart < 4 * put.data.length; // a level here and there, as others have it, does no harm
  }
  return isTold;
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

/** A picture set upright by what its file says of how it lies, 1 to 8. */
export function turned(photo: Pixels, orientation: number): Pixels {
  if (!(orientation >= 2 && orientation <= 8)) return photo;
  const { width, height } = photo;
  const isOnSide = orientation > 4;
  const [w, h] = isOnSide ? [height, width] : [width, height];
  // Where the pixel at x, y of the upright picture lies in the file.
  const isMirrored = [2, 3, 7, 8].includes(orientation); // along the file's rows
  const isFlipped = [3, 4, 6, 7].includes(orientation); // along its columns
  const place = (x: number, y: number): number => {
    const [column, row] = isOnSide ? [y, x] : [x, y];
    return (isFlipped ? height - 1 - row : row) * width + (isMirrored ? width - 1 - column : column);
  };
  const lay = (from: Samples, channels: number): Samples => {
    const to = new (is16(from) ? Uint16Array : Uint8Array)(from.length);
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const start = place(x, y) * channels;
        for (let c = 0; c < channels; c++) to[i++] = from[start + c];
      }
    }
    return to;
  };
  return { width: w, height: h, pixels: lay(photo.pixels, 3), alpha: photo.alpha && lay(photo.alpha, 1) };
}
