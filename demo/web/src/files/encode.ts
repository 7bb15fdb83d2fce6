/** Photos written: JPEG as fine as it came, PNG with all its bits, WebP without loss. */

import { type Photo, PhotoError, type Samples } from '../engine/photo';
import { kindOf } from './decode';
import * as jpeg from './jpeg';
import { MOST_IN_CODEC } from './pixels';
import * as png from './png';
import * as webp from './webp';

const BAND = 256; // rows that are colored at a time

/** Colors the rows from `first` on, [rows, width, 3], or gives them as they are. */
export type Band = (first: number, rows: number) => Promise<Samples>;

export const SUFFIXES = { jpeg: ['.jpg', '.jpeg', '.jpe', '.jfif'], png: ['.png'], webp: ['.webp'] } as const;

/** A name for a photo in color: its own, with the suffix of the format. */
export function named(name: string, photo: Pick<Photo, 'format'>, more = ''): string {
  const [, stem = name, suffix = ''] = /^(.*?)(\.\w{2,5})?$/s.exec(name) ?? [];
  const known: readonly string[] = SUFFIXES[photo.format];
  return `${stem}${more}${known.includes(suffix.toLowerCase()) ? suffix : known[0]}`;
}

/**
 * Write a photo in color, with what its file said besides the pixels.
 *
 * @param original The file, from which metadata is taken.
 */
export async function encode(
  photo: Photo,
  original: Blob,
  band: Band,
  progress: (share: number) => void,
): Promise<Blob> {
  const { width, height, format } = photo;
  const head = new Uint8Array(await original.slice(0, 4096).arrayBuffer());
  const kind = kindOf(head);
  const file = async (): Promise<Uint8Array> => new Uint8Array(await original.arrayBuffer());
  if (format === 'jpeg') {
    const source = kind === 'jpeg' ? await file() : null;
    const quality = source ? jpeg.quality(source) : 95;
    const encoded =
      width * height <= MOST_IN_CODEC
        ? await mozjpeg(await gathered(photo, band, progress), quality)
        : await drawn(photo, band, progress, quality);
    return new Blob([jpeg.withMetadata(encoded, source)], { type: 'image/jpeg' });
  }
  const source = kind === format ? await file() : null;
  if (format === 'png') {
    const encoded = await png.encode(photo, bands(photo, band, progress));
    return new Blob([png.withMetadata(encoded, source)], { type: 'image/png' });
  }
  const encoded = await libwebp(await gathered(photo, band, progress));
  return new Blob([webp.withMetadata(encoded, source)], { type: 'image/webp' });
}

/** Whether a canvas of that size keeps what is drawn: beyond a browser's limit it gives zeros without a word. */
function canvasHolds(width: number, height: number): boolean {
  if (Math.max(width, height) > 16384) return false;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) return false;
  context.fillRect(width - 1, height - 1, 1, 1);
  const held = context.getImageData(width - 1, height - 1, 1, 1).data[3] === 255;
  canvas.width = canvas.height = 1;
  return held;
}

async function* bands(photo: Photo, band: Band, progress: (share: number) => void): AsyncGenerator<[number, Samples]> {
  for (let first = 0; first < photo.height; first += BAND) {
    const rows = Math.min(BAND, photo.height - first);
    yield [first, await band(first, rows)];
    progress((first + rows) / photo.height);
  }
}

function opaque(rgb: Samples, alpha: Samples | null, at: number, out: Uint8ClampedArray): void {
  for (let i = 0, j = 0, k = at; i < rgb.length; i += 3, j += 4, k++) {
    out[j] = rgb[i];
    out[j + 1] = rgb[i + 1];
    out[j + 2] = rgb[i + 2];
    out[j + 3] = alpha ? alpha[k] : 255;
  }
}

/** As a JPEG by the browser. */
async function drawn(photo: Photo, band: Band, progress: (share: number) => void, quality: number) {
  const { width, height } = photo;
  if (!canvasHolds(width, height)) throw new PhotoError('canvas_limit', { width, height });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new RangeError('no memory for a canvas');
  for await (const [first, rgb] of bands(photo, band, progress)) {
    const image = new ImageData(width, rgb.length / (3 * width));
    opaque(rgb, null, 0, image.data);
    context.putImageData(image, 0, first);
  }
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: quality / 100 });
  canvas.width = canvas.height = 1; // its memory is not needed until somebody collects it
  return new Uint8Array(await blob.arrayBuffer());
}

async function gathered(photo: Photo, band: Band, progress: (share: number) => void): Promise<ImageData> {
  const image = new ImageData(photo.width, photo.height);
  for await (const [first, rgb] of bands(photo, band, progress)) {
    const at = first * photo.width;
    opaque(rgb, photo.alpha, at, image.data.subarray(4 * at));
  }
  return image;
}

/** With libjpeg's tables and full chroma, which no canvas writes: halved, colours would bleed over edges. */
async function mozjpeg(image: ImageData, quality: number): Promise<Uint8Array> {
  const { default: write } = await import('@jsquash/jpeg/encode.js');
  return new Uint8Array(
    await write(image, {
      quality,
      quant_table: 0,
      progressive: false,
      baseline: true,
      auto_subsample: false,
      chroma_subsample: 1,
    }),
  );
}

async function libwebp(image: ImageData): Promise<Uint8Array> {
  const { default: write } = await import('@jsquash/webp/encode.js');
  return new Uint8Array(await write(image, { lossless: 1, exact: 1, method: 2 }));
}
