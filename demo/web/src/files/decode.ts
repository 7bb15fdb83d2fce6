/**
 * Photo files read: by the browser, or, where it would lose something or cannot, by a library that is loaded then.
 *
 * A 2D canvas ruins the colours under transparency and holds 8 bits, so PNGs with either go through fast-png. What a
 * file claims to be is known before it is decoded.
 */

import { raw_suffixes as RAW } from '../adjustments.json';
import { is16, type Photo, PhotoError, type Pixels, type Samples } from '../engine/photo';
import * as bmp from './bmp';
import { type Bytes, says, view } from './bytes';
import * as jpeg from './jpeg';
import { canvasTells, checkSize, MOST_IN_CODEC, onWhite, split, turned } from './pixels';
import * as png from './png';
import * as webp from './webp';
import { isWhole } from './whole';

const TILE = 2048; // pixels a side; the canvas through which a picture is read is no larger

type Kind = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'avif' | 'heic' | 'tiff' | 'other';

export function kindOf(bytes: Uint8Array): Kind {
  if (says(bytes, 0, '\xff\xd8\xff')) return 'jpeg';
  if (says(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'png';
  if (says(bytes, 0, 'RIFF') && says(bytes, 8, 'WEBP')) return 'webp';
  if (says(bytes, 0, 'GIF8')) return 'gif';
  if (says(bytes, 0, 'BM')) return 'bmp';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((start) => says(bytes, 0, start))) return 'tiff';
  if (!says(bytes, 4, 'ftyp')) return 'other';
  const brands = new TextDecoder('latin1').decode(bytes.subarray(8, 64));
  if (brands.includes('avif')) return 'avif';
  return /hei[cxms]|hevc|mif1|msf1/.test(brands) ? 'heic' : 'other';
}

/** Read a photo; what goes wrong is a PhotoError, or that there is no memory. */
export async function decode(file: Blob): Promise<Photo> {
  if (isRaw(file)) throw new PhotoError('file_raw');
  const start = new Uint8Array(await file.slice(0, 1 << 20).arrayBuffer());
  if (!start.length) throw new PhotoError('file_empty');
  const kind = kindOf(start);
  try {
    checkClaim(kind, start);
    if (kind === 'tiff') return await (await import('./tiff')).decodeTiff(file);
    if (kind === 'avif' || kind === 'heic')
      return { ...(await readHeif(file, kind)), format: 'jpeg', notes: ['becomes_jpeg'] };
    const bytes = kind === 'other' ? start : new Uint8Array(await file.arrayBuffer());
    if (!isWhole(kind, bytes)) throw new PhotoError('file_damaged');
    if (kind === 'png') return await decodePng(bytes);
    if (kind === 'webp') return await decodeWebp(file, bytes);
    if (kind === 'jpeg') return { ...read(await createImageBitmap(file)), format: 'jpeg', notes: [] };
    return { ...read(await createImageBitmap(file), true), format: 'png', notes: ['becomes_png'] };
  } catch (error) {
    if (error instanceof PhotoError || lacksMemory(error)) throw error;
    throw new PhotoError(kind === 'other' ? 'file_no_photo' : 'file_damaged');
  }
}

/** Whether a file is a camera's by its name: many are TIFFs, whose first picture is a small one to look at. */
function isRaw(file: Blob): boolean {
  return file instanceof File && RAW.some((suffix) => file.name.toLowerCase().endsWith(suffix));
}

/** Readers of files that were cut short throw RangeErrors, too. */
const lacksMemory = (error: unknown): boolean => error instanceof RangeError && /memory|alloc/i.test(error.message);

function checkClaim(kind: Kind, start: Uint8Array): void {
  let claim: [number, number] | null = null;
  if (kind === 'jpeg') claim = jpeg.size(start);
  const reader = kind === 'png' ? png : kind === 'webp' ? webp : kind === 'bmp' ? bmp : null;
  const found = reader?.header(start);
  if (found) claim = [found.width, found.height];
  if (kind === 'gif') claim = [view(start).getUint16(6, true), view(start).getUint16(8, true)];
  if (claim) checkSize(...claim);
}

/**
 * A bitmap's pixels, tile by tile: canvases have limits that differ, and large ones give zeros without a word.
 *
 * @param keepsAlpha Whether transparency is kept; otherwise, what is transparent has become white.
 */
function read(bitmap: ImageBitmap, keepsAlpha = false): Pixels {
  const { width, height } = bitmap;
  try {
    checkSize(width, height);
    if (!canvasTells()) throw new PhotoError('canvas_altered');
    const pixels = new Uint8Array(width * height * 3);
    const alpha = keepsAlpha ? new Uint8Array(width * height) : null;
    const canvas = new OffscreenCanvas(Math.min(TILE, width), Math.min(TILE, height));
    const context = canvas.getContext('2d', { willReadFrequently: true, alpha: keepsAlpha });
    if (!context) throw new RangeError('no memory for a canvas');
    context.fillStyle = 'white';
    for (let top = 0; top < height; top += TILE) {
      for (let left = 0; left < width; left += TILE) {
        const [w, h] = [Math.min(TILE, width - left), Math.min(TILE, height - top)];
        context[keepsAlpha ? 'clearRect' : 'fillRect'](0, 0, w, h);
        context.drawImage(bitmap, left, top, w, h, 0, 0, w, h);
        const { data } = context.getImageData(0, 0, w, h);
        for (let y = 0, i = 0; y < h; y++) {
          for (let x = 0, k = (top + y) * width + left; x < w; x++, i += 4, k++) {
            pixels[3 * k] = data[i];
            pixels[3 * k + 1] = data[i + 1];
            pixels[3 * k + 2] = data[i + 2];
            if (alpha) alpha[k] = data[i + 3];
          }
        }
      }
    }
    return { width, height, pixels, alpha: alpha?.some((value) => value < 255) ? alpha : null };
  } finally {
    bitmap.close();
  }
}

async function decodePng(bytes: Bytes): Promise<Photo> {
  const { plain, lies } = png.withoutExif(bytes);
  const photo = await readPng(plain);
  return { ...photo, ...turned(photo, lies) };
}

async function readPng(bytes: Bytes): Promise<Photo> {
  const head = png.header(bytes);
  if (!head) throw new PhotoError('file_damaged');
  // Where one color stands for what is transparent, a canvas ruins no other.
  if (head.depth < 16 && (!head.hasAlpha || head.hasKey))
    return { ...read(await createImageBitmap(new Blob([bytes])), head.hasAlpha), format: 'png', notes: [] };
  const { decode, convertIndexedToRgb } = await import('fast-png');
  const found = decode(bytes);
  const notes = head.hasProfile ? ['profile_unused'] : [];
  if (found.palette) {
    const channels = found.palette[0].length;
    return { ...split(convertIndexedToRgb(found) as Samples, channels, found), format: 'png', notes };
  }
  const photo = split(found.data as Samples, found.channels, found);
  return { ...keyed(photo, found.transparency), format: 'png', notes };
}

/** A PNG of 16 bits in which one color stands for what is transparent. */
function keyed(photo: Pixels, key: Uint16Array | undefined): Pixels {
  const { pixels } = photo;
  if (!key?.length || !is16(pixels)) return photo;
  const alpha = new Uint16Array(pixels.length / 3).fill(65535);
  for (let k = 0; k < alpha.length; k++) {
    if ([0, 1, 2].every((c) => pixels[3 * k + c] === key[key.length === 1 ? 0 : c])) alpha[k] = 0;
  }
  return { ...photo, alpha };
}

async function decodeWebp(file: Blob, bytes: Bytes): Promise<Photo> {
  const hasAlpha = webp.header(bytes)?.hasAlpha;
  const lies = webp.lies(bytes); // no browser turns a WebP that lies on its side
  const isForCodec = (hasAlpha || lies > 1) && !webp.isAnimated(bytes); // it knows single pictures alone
  const own = isForCodec ? await readWebp(bytes) : read(await createImageBitmap(file), hasAlpha);
  const upright = turned(own, lies);
  const photo = hasAlpha ? upright : { ...upright, alpha: null };
  // No canvas is sure to write WebP without loss, or at all.
  const isLarge = photo.width * photo.height > MOST_IN_CODEC;
  return { ...photo, format: isLarge ? 'png' : 'webp', notes: isLarge ? ['becomes_png'] : [] };
}

async function readWebp(bytes: Bytes): Promise<Pixels> {
  const { default: decodeWith } = await import('@jsquash/webp/decode.js');
  const { data, width, height } = await decodeWith(bytes.buffer);
  const pixels = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
  return split(pixels, 4, { width, height });
}

/** Pixels of AVIF, and of HEIC, which few browsers read. */
async function readHeif(file: Blob, kind: 'avif' | 'heic'): Promise<Pixels> {
  const bitmap = await createImageBitmap(file).catch((error) => {
    if (kind === 'avif') throw error;
    return null;
  });
  if (bitmap) return read(bitmap);
  const { default: start } = await import('libheif-js/libheif-wasm/libheif-bundle.mjs');
  const [image] = new (start().HeifDecoder)().decode(new Uint8Array(await file.arrayBuffer()));
  if (!image) throw new PhotoError('file_damaged');
  const [width, height] = [image.get_width(), image.get_height()];
  checkSize(width, height);
  const target = { data: new Uint8ClampedArray(width * height * 4), width, height };
  await new Promise<void>((done, fail) => {
    image.display(target, (shown: unknown) => (shown ? done() : fail(new PhotoError('file_damaged'))));
  });
  return onWhite(split(new Uint8Array(target.data.buffer), 4, { width, height }));
}
