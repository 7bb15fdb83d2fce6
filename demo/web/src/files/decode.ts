/**
 * Photo files read: by the browser, or, where it would lose something or cannot, by a library that is loaded then.
 *
 * A 2D canvas ruins the colours under transparency and holds 8 bits, so PNGs with either go through fast-png. What a
 * file claims to be is known before it is decoded.
 */

import { is16, type Photo, PhotoError, type Samples } from '../engine/photo';
import { type Bytes, says, view } from './bytes';
import * as jpeg from './jpeg';
import * as png from './png';
import * as webp from './webp';

export const MOST_PIXELS = 120_000_000;
const TILE = 2048; // pixels a side; the canvas through which a picture is read is no larger

type Kind = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'avif' | 'heic' | 'tiff' | 'other';

export function kindOf(bytes: Uint8Array): Kind {
  if (says(bytes, 0, '\xff\xd8\xff')) return 'jpeg';
  if (says(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'png';
  if (says(bytes, 0, 'RIFF') && says(bytes, 8, 'WEBP')) return 'webp';
  if (says(bytes, 0, 'GIF8')) return 'gif';
  if (says(bytes, 0, 'BM')) return 'bmp';
  if (says(bytes, 0, 'II*\0') || says(bytes, 0, 'MM\0*')) return 'tiff';
  if (!says(bytes, 4, 'ftyp')) return 'other';
  const brands = new TextDecoder('latin1').decode(bytes.subarray(8, 64));
  if (brands.includes('avif')) return 'avif';
  return /hei[cxms]|hevc|mif1|msf1/.test(brands) ? 'heic' : 'other';
}

/** Read a photo; what goes wrong is a PhotoError. */
export async function decode(file: Blob): Promise<Photo> {
  const start = new Uint8Array(await file.slice(0, 1 << 20).arrayBuffer());
  if (!start.length) throw new PhotoError('file_empty');
  const kind = kindOf(start);
  checkClaim(kind, start);
  try {
    if (kind === 'png') return await decodePng(file, start);
    if (kind === 'webp' && webp.header(start)?.hasAlpha) return await decodeWebp(file);
    if (kind === 'tiff') return await decodeTiff(file);
    const format = { jpeg: 'jpeg', webp: 'webp', avif: 'jpeg', heic: 'jpeg' } as const;
    const as = kind in format ? format[kind as keyof typeof format] : 'png';
    const notes =
      kind === 'avif' || kind === 'heic' ? [`becomes_jpeg`] : kind === 'gif' || kind === 'bmp' ? ['becomes_png'] : [];
    const bitmap = await createImageBitmap(file).catch((error) => {
      if (kind !== 'heic') throw error;
      return null;
    });
    return bitmap ? { ...read(bitmap), alpha: null, format: as, notes } : await decodeHeic(file);
  } catch (error) {
    if (error instanceof PhotoError || error instanceof RangeError) throw error;
    throw new PhotoError(kind === 'other' ? 'file_no_photo' : 'file_damaged');
  }
}

function checkClaim(kind: Kind, start: Uint8Array): void {
  let claim: [number, number] | null = null;
  if (kind === 'jpeg') claim = jpeg.size(start);
  const found = kind === 'png' ? png.header(start) : kind === 'webp' ? webp.header(start) : null;
  if (found) claim = [found.width, found.height];
  if (kind === 'gif') claim = [view(start).getUint16(6, true), view(start).getUint16(8, true)];
  if (kind === 'bmp' && start.length > 26)
    claim = [view(start).getInt32(18, true), Math.abs(view(start).getInt32(22, true))];
  if (claim) checkSize(...claim);
}

function checkSize(width: number, height: number): void {
  if (width * height > MOST_PIXELS) {
    throw new PhotoError('file_too_large', {
      megapixels: Math.round((width * height) / 1e6),
      most: MOST_PIXELS / 1e6,
    });
  }
}

/** A bitmap's pixels, tile by tile: canvases have limits that differ, and large ones give zeros without a word. */
function read(bitmap: ImageBitmap): { width: number; height: number; pixels: Bytes } {
  const { width, height } = bitmap;
  try {
    checkSize(width, height);
    const pixels = new Uint8Array(width * height * 3);
    const canvas = new OffscreenCanvas(Math.min(TILE, width), Math.min(TILE, height));
    const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    if (!context) throw new RangeError('no canvas');
    for (let top = 0; top < height; top += TILE) {
      for (let left = 0; left < width; left += TILE) {
        const [w, h] = [Math.min(TILE, width - left), Math.min(TILE, height - top)];
        context.drawImage(bitmap, left, top, w, h, 0, 0, w, h);
        const { data } = context.getImageData(0, 0, w, h);
        for (let y = 0, i = 0; y < h; y++) {
          for (let x = 0, j = ((top + y) * width + left) * 3; x < w; x++, i += 4, j += 3) {
            pixels[j] = data[i];
            pixels[j + 1] = data[i + 1];
            pixels[j + 2] = data[i + 2];
          }
        }
      }
    }
    return { width, height, pixels };
  } finally {
    bitmap.close();
  }
}

async function decodePng(file: Blob, start: Uint8Array): Promise<Photo> {
  const head = png.header(start);
  if (!head) throw new PhotoError('file_damaged');
  if (!head.hasAlpha && head.depth < 16) {
    return { ...read(await createImageBitmap(file)), alpha: null, format: 'png', notes: [] };
  }
  const { decode, convertIndexedToRgb } = await import('fast-png');
  const found = decode(await file.arrayBuffer());
  const notes = head.hasProfile ? ['profile_unused'] : [];
  if (found.palette) {
    const channels = found.palette[0].length;
    return { ...split(convertIndexedToRgb(found) as Samples, channels, found), format: 'png', notes };
  }
  let data = found.data as Samples;
  if (found.depth < 8) data = data.map((value) => Math.round((value * 255) / (2 ** found.depth - 1))) as Samples;
  return { ...keyed(split(data, found.channels, found), found.transparency), format: 'png', notes };
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly pixels: Samples;
  readonly alpha: Samples | null;
}

/** Pixels of 1 (gray), 2, 3 or 4 channels as three and what is transparent. */
function split(data: Samples, channels: number, { width, height }: { width: number; height: number }): Pixels {
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

/** A PNG in which one color stands for what is transparent. */
function keyed(photo: Pixels, key: Uint16Array | undefined): Pixels {
  if (!key?.length) return photo;
  const { pixels } = photo;
  const alpha = is16(pixels)
    ? new Uint16Array(pixels.length / 3).fill(65535)
    : new Uint8Array(pixels.length / 3).fill(255);
  for (let k = 0; k < alpha.length; k++) {
    if ([0, 1, 2].every((c) => pixels[3 * k + c] === key[key.length === 1 ? 0 : c])) alpha[k] = 0;
  }
  return { ...photo, alpha };
}

async function decodeWebp(file: Blob): Promise<Photo> {
  const { default: decodeWith } = await import('@jsquash/webp/decode.js');
  const { data, width, height } = await decodeWith(await file.arrayBuffer());
  return {
    ...split(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length), 4, { width, height }),
    format: 'webp',
    notes: [],
  };
}

async function decodeTiff(file: Blob): Promise<Photo> {
  const { decode, pageCount } = await import('tiff');
  const bytes = await file.arrayBuffer();
  const [page] = decode(bytes, { pages: [0] });
  checkSize(page.width, page.height);
  if (![1, 2, 3, 4].includes(page.samplesPerPixel) || ![8, 16].includes(page.bitsPerSample))
    throw new PhotoError('file_kind');
  const data = page.data as Samples;
  if (page.type === 0) for (let i = 0; i < data.length; i++) data[i] = (is16(data) ? 65535 : 255) - data[i]; // white is 0
  const notes = ['becomes_png', ...(pageCount(bytes) > 1 ? ['first_page'] : [])];
  return { ...split(data, page.samplesPerPixel, page), format: 'png', notes };
}

async function decodeHeic(file: Blob): Promise<Photo> {
  const { default: start } = await import('libheif-js/libheif-wasm/libheif-bundle.mjs');
  const [image] = new (start().HeifDecoder)().decode(new Uint8Array(await file.arrayBuffer()));
  if (!image) throw new PhotoError('file_damaged');
  const [width, height] = [image.get_width(), image.get_height()];
  checkSize(width, height);
  const target = { data: new Uint8ClampedArray(width * height * 4), width, height };
  await new Promise<void>((done, fail) => {
    image.display(target, (shown: unknown) => (shown ? done() : fail(new PhotoError('file_damaged'))));
  });
  const { pixels } = split(new Uint8Array(target.data.buffer), 4, { width, height });
  return { width, height, pixels, alpha: null, format: 'jpeg', notes: ['becomes_jpeg'] };
}
