/** What a WebP says besides its pixels: EXIF and XMP are copied into the extended form of the container. */

import { ascii, type Bytes, joined, says, view } from './bytes';
import { orientation, renewed } from './exif';
import { withStatement } from './xmp';

const [HAS_ALPHA, HAS_EXIF, HAS_XMP] = [16, 8, 4];

interface Chunk {
  readonly name: string;
  readonly content: Uint8Array;
}

export function* chunks(bytes: Uint8Array): Generator<Chunk> {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view(bytes).getUint32(at + 4, true);
    yield {
      name: String.fromCharCode(...bytes.subarray(at, at + 4)),
      content: bytes.subarray(at + 8, at + 8 + length),
    };
    at += 8 + length + (length & 1);
  }
}

/** Width, height and whether it may be transparent; null where its start says nothing. */
export function header(bytes: Uint8Array): { width: number; height: number; hasAlpha: boolean } | null {
  for (const { name, content } of chunks(bytes)) {
    const data = view(content);
    if (name === 'VP8X' && content.length >= 10) {
      const side = (at: number): number => 1 + data.getUint16(at, true) + (content[at + 2] << 16);
      return { width: side(4), height: side(7), hasAlpha: (content[0] & HAS_ALPHA) > 0 };
    }
    if (name === 'VP8L' && content.length >= 5) {
      const bits = data.getUint32(1, true);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff), hasAlpha: ((bits >> 28) & 1) > 0 };
    }
    if (name === 'VP8 ' && content.length >= 10) {
      return { width: data.getUint16(6, true) & 0x3fff, height: data.getUint16(8, true) & 0x3fff, hasAlpha: false };
    }
  }
  return null;
}

/** Whether it holds several pictures, one after another. */
export const isAnimated = (bytes: Uint8Array): boolean => [...chunks(bytes)].some(({ name }) => name === 'ANIM');

/** The block of EXIF, whose prefix some programs write; null where there is none. */
function exifOf(bytes: Uint8Array): Uint8Array | null {
  const found = [...chunks(bytes)].find(({ name }) => name === 'EXIF')?.content.slice();
  return found ? found.subarray(says(found, 0, 'Exif\0\0') ? 6 : 0) : null;
}

/** How a file says that its picture lies, 1 to 8. */
export function lies(bytes: Uint8Array): number {
  const exif = exifOf(bytes);
  return exif ? orientation(exif) : 1;
}

function chunk(name: string, content: Uint8Array): Bytes {
  const length = new Uint8Array(4);
  view(length).setUint32(0, content.length, true);
  return joined([ascii(name), length, content, new Uint8Array(content.length & 1)]);
}

/** What was encoded, with what the original said, and the statement that software made the colours. */
export function withMetadata(encoded: Uint8Array, original: Uint8Array | null): Bytes {
  const { width, height, hasAlpha } = header(encoded) ?? { width: 1, height: 1, hasAlpha: false };
  const old = original ? [...chunks(original)] : [];
  const of = (name: string): Uint8Array | null => old.find((each) => each.name === name)?.content.slice() ?? null;
  const exif = original && exifOf(original);
  const isKept = exif !== null && renewed(exif, width, height);
  const extended = new Uint8Array(10);
  extended[0] = HAS_XMP | (isKept ? HAS_EXIF : 0) | (hasAlpha ? HAS_ALPHA : 0);
  for (const [at, side] of [
    [4, width],
    [7, height],
  ]) {
    view(extended).setUint16(at, (side - 1) & 0xffff, true);
    extended[at + 2] = (side - 1) >> 16;
  }
  const own = [...chunks(encoded)].filter(({ name }) => !['VP8X', 'EXIF', 'XMP ', 'ICCP'].includes(name));
  const body = joined([
    ascii('WEBP'),
    chunk('VP8X', extended),
    ...own.map(({ name, content }) => chunk(name, content)),
    ...(isKept ? [chunk('EXIF', exif)] : []),
    chunk('XMP ', withStatement(of('XMP '))),
  ]);
  const length = new Uint8Array(4);
  view(length).setUint32(0, body.length, true);
  return joined([ascii('RIFF'), length, body]);
}
