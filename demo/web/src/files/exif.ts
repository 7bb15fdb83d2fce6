/** A block of EXIF (a small TIFF), changed in place to suit new pixels. */

import { says, view } from './bytes';

const [WIDTH, HEIGHT, ORIENTATION, EXIF] = [0x0100, 0x0101, 0x0112, 0x8769];
const [COLOR_SPACE, EXIF_WIDTH, EXIF_HEIGHT] = [0xa001, 0xa002, 0xa003];
const [SHORT, LONG, SRGB] = [3, 4, 1];

/**
 * Make a block say that the picture is upright, in sRGB and of that size, and forget its thumbnail, which is gray.
 * Damaged ones give false.
 */
export function renewed(tiff: Uint8Array, width: number, height: number): boolean {
  if (tiff.length < 14 || !(says(tiff, 0, 'II*\0') || says(tiff, 0, 'MM\0*'))) return false;
  const [data, little] = [view(tiff), tiff[0] === 0x49];
  const first = directory(data, data.getUint32(4, little), little);
  if (!first) return false;
  put(first, data, little, { [ORIENTATION]: 1, [WIDTH]: width, [HEIGHT]: height });
  const pointer = first.entries.get(EXIF);
  const below = pointer === undefined ? null : directory(data, data.getUint32(pointer + 8, little), little);
  if (below) put(below, data, little, { [COLOR_SPACE]: SRGB, [EXIF_WIDTH]: width, [EXIF_HEIGHT]: height });
  if (first.end + 4 <= tiff.length) data.setUint32(first.end, 0, little);
  return true;
}

/** How the picture lies, 1 to 8; 1, upright, where a block does not say. */
export function orientation(tiff: Uint8Array): number {
  if (tiff.length < 14 || !(says(tiff, 0, 'II*\0') || says(tiff, 0, 'MM\0*'))) return 1;
  const [data, little] = [view(tiff), tiff[0] === 0x49];
  const entry = directory(data, data.getUint32(4, little), little)?.entries.get(ORIENTATION);
  return entry === undefined ? 1 : data.getUint16(entry + 8, little);
}

interface Directory {
  /** Where they lie, by their tags. */
  readonly entries: ReadonlyMap<number, number>;
  readonly end: number;
}

function directory(data: DataView, start: number, little: boolean): Directory | null {
  if (start + 2 > data.byteLength) return null;
  const end = start + 2 + 12 * data.getUint16(start, little);
  if (end > data.byteLength) return null;
  const entries = new Map<number, number>();
  for (let entry = start + 2; entry < end; entry += 12) entries.set(data.getUint16(entry, little), entry);
  return { entries, end };
}

/** Write numbers into the entries of those tags that there are. */
function put({ entries }: Directory, data: DataView, little: boolean, values: Readonly<Record<number, number>>): void {
  for (const [tag, value] of Object.entries(values)) {
    const entry = entries.get(Number(tag));
    if (entry === undefined) continue;
    const isShort = value < 65536;
    data.setUint16(entry + 2, isShort ? SHORT : LONG, little);
    data.setUint32(entry + 4, 1, little);
    data.setUint32(entry + 8, 0, little);
    if (isShort) data.setUint16(entry + 8, value, little);
    else data.setUint32(entry + 8, value, little);
  }
}
