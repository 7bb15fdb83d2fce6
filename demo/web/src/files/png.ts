/**
 * PNG: written band by band, so that no more than the compressed file is held, and what a file says besides its pixels:
 * its texts, EXIF, size of a pixel and time are copied, its profile is not.
 */

import { ascii, big32, type Bytes, joined, says, view } from './bytes';
import { is16, type Photo, type Samples } from '../engine/photo';
import { orientation, renewed } from './exif';
import { withStatement } from './xmp';

const KEPT = ['tEXt', 'zTXt', 'iTXt', 'pHYs', 'tIME'];
const XMP = 'XML:com.adobe.xmp\0';
const SIGNATURE = 8;

interface Chunk {
  readonly name: string;
  readonly content: Uint8Array;
}

export function* chunks(bytes: Uint8Array): Generator<Chunk> {
  for (let at = SIGNATURE; at + 12 <= bytes.length; ) {
    const length = view(bytes).getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { name, content: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

export interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly hasAlpha: boolean;
  /** Whether one color stands for what is transparent. */
  readonly hasKey: boolean;
  readonly hasProfile: boolean;
}

/** What a PNG's first chunks say. */
export function header(bytes: Uint8Array): Header | null {
  if (bytes.length < 33) return null;
  const data = view(bytes);
  const names = new Set<string>();
  for (const { name } of chunks(bytes)) {
    if (name === 'IDAT') break;
    names.add(name);
  }
  return {
    width: data.getUint32(16),
    height: data.getUint32(20),
    depth: bytes[24],
    hasAlpha: [4, 6].includes(bytes[25]) || names.has('tRNS'),
    hasKey: names.has('tRNS') && [0, 2].includes(bytes[25]),
    hasProfile: names.has('iCCP') || (names.has('gAMA') && !names.has('sRGB')),
  };
}

/** A file without its EXIF, and how that says the picture lies, which not all browsers heed. */
export function withoutExif(bytes: Bytes): { plain: Bytes; lies: number } {
  const found = [...chunks(bytes)].filter(({ name }) => name === 'eXIf').map(({ content }) => content);
  if (!found.length) return { plain: bytes, lies: 1 };
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const exif of found) {
    const at = exif.byteOffset - bytes.byteOffset;
    parts.push(bytes.subarray(start, at - 8));
    start = at + exif.length + 4;
  }
  return { plain: joined([...parts, bytes.subarray(start)]), lies: orientation(found[0]) };
}

let table: Uint32Array | null = null;
function crc(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let k = 0; k < 8; k++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  let value = 0xffffffff;
  for (const byte of bytes) value = table[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

function chunk(name: string, content: Uint8Array): Bytes {
  const named = joined([ascii(name), content]);
  return joined([big32(content.length), named, big32(crc(named))]);
}

/**
 * Write a PNG of a photo's size, depth and transparency; the browser's own zlib does the work. A canvas would make four
 * channels of three, hold no 16 bits, and ruin what is transparent.
 *
 * @param bands The colors, RGB, from the first row on.
 */
export async function encode(photo: Photo, bands: AsyncIterable<[number, Samples]>): Promise<Bytes> {
  const { width, height, alpha, pixels } = photo;
  const deep = is16(pixels);
  const [channels, size] = [alpha ? 4 : 3, deep ? 2 : 1];
  const step = channels * size;
  const zlib = new CompressionStream('deflate');
  const compressed = new Response(zlib.readable).arrayBuffer();
  const writer = zlib.writable.getWriter();
  let above = new Uint8Array(width * step);
  for await (const [first, rgb] of bands) {
    const rows = rgb.length / (3 * width);
    const out = new Uint8Array(rows * (1 + width * step));
    for (let y = 0; y < rows; y++) {
      const line = new Uint8Array(width * step);
      for (let x = 0, i = 3 * y * width, j = 0, k = (first + y) * width; x < width; x++, i += 3, k++) {
        for (let c = 0; c < channels; c++) {
          const value = alpha && c === 3 ? alpha[k] : rgb[i + c];
          if (deep) line[j++] = value >> 8;
          line[j++] = value;
        }
      }
      paeth(line, above, step, out, y * (1 + width * step));
      above = line;
    }
    await writer.write(out);
  }
  await writer.close();
  const header = joined([big32(width), big32(height), Uint8Array.of(8 * size, alpha ? 6 : 2, 0, 0, 0)]);
  const image = chunk('IDAT', new Uint8Array(await compressed));
  return joined([ascii('\x89PNG\r\n\x1a\n'), chunk('IHDR', header), image, chunk('IEND', new Uint8Array())]);
}

/** A row after filter 4: what it differs by from the nearest of its three neighbours. */
function paeth(line: Uint8Array, above: Uint8Array, step: number, out: Uint8Array, at: number): void {
  out[at] = 4;
  for (let i = 0; i < line.length; i++) {
    const left = i < step ? 0 : line[i - step];
    const corner = i < step ? 0 : above[i - step];
    const up = above[i];
    const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
    out[at + 1 + i] = line[i] - (a <= b && a <= c ? left : b <= c ? up : corner);
  }
}

/** What was encoded, with what the original said, and the statement that software made the colours. */
export function withMetadata(encoded: Uint8Array, original: Uint8Array | null): Bytes {
  const added: Uint8Array[] = [chunk('sRGB', Uint8Array.of(0))];
  let packet: Uint8Array | null = null;
  let block: Uint8Array | null = null;
  for (const { name, content } of original ? chunks(original) : []) {
    if (name === 'iTXt' && says(content, 0, XMP)) {
      if (content[XMP.length] === 0) packet = content.subarray(XMP.length + 4);
    } else if (name === 'eXIf') block = content.slice();
    else if (KEPT.includes(name)) added.push(chunk(name, content));
  }
  const { width, height } = header(encoded) ?? { width: 1, height: 1 };
  if (block && renewed(block, width, height)) added.push(chunk('eXIf', block));
  added.push(chunk('iTXt', joined([ascii(`${XMP}\0\0\0\0`), withStatement(packet)])));
  const first = SIGNATURE + 25; // behind IHDR
  return joined([encoded.subarray(0, first), ...added, encoded.subarray(first)]);
}
