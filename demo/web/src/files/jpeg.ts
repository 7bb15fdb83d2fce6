/** What a JPEG says besides its pixels: its segments are copied to what was encoded anew, its ICC profile is not. */

import { ascii, type Bytes, joined, says, view } from './bytes';
import { renewed } from './exif';
import { withStatement } from './xmp';

const [APP0, APP1, APP13, APP15, COMMENT, SCAN] = [0xe0, 0xe1, 0xed, 0xef, 0xfe, 0xda];
const EXIF = 'Exif\0\0';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const MOST = 65533; // bytes of a segment
// libjpeg's table for luminance at quality 50, of which all others are multiples; its sum is enough to know which.
const SUM_AT_50 = 3692;

interface Segment {
  readonly marker: number;
  readonly content: Uint8Array;
}

/** A JPEG's segments up to the first scan, and the rest. */
export function parse(bytes: Uint8Array): { segments: Segment[]; rest: Uint8Array } {
  const segments: Segment[] = [];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === SCAN) break;
    const end = at + 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    segments.push({ marker, content: bytes.subarray(at + 4, end) });
    at = end;
  }
  return { segments, rest: bytes.subarray(at) };
}

/** Width and height as stored, or null. */
export function size(bytes: Uint8Array): [number, number] | null {
  const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
  const frame = parse(bytes).segments.find(({ marker, content }) => isFrame(marker) && content.length > 5);
  return frame ? [view(frame.content).getUint16(3), view(frame.content).getUint16(1)] : null;
}

/** The quality at which a JPEG was written, 1 to 100, by libjpeg's scale; 95 where it does not say. */
export function quality(bytes: Uint8Array): number {
  const tables = parse(bytes).segments.find(
    ({ marker, content }) => marker === 0xdb && content.length > 64 && content[0] === 0,
  );
  if (!tables) return 95;
  const scale = (100 * tables.content.subarray(1, 65).reduce((sum, value) => sum + value, 0)) / SUM_AT_50;
  return Math.max(1, Math.min(100, Math.round(scale <= 100 ? (200 - scale) / 2 : 5000 / scale)));
}

function segment(marker: number, content: Uint8Array): Bytes {
  const length = content.length + 2;
  return joined([Uint8Array.of(0xff, marker, length >> 8, length & 255), content]);
}

/** A block of EXIF and a packet of XMP as a JPEG has them; null where it has none. */
export function said(bytes: Uint8Array): { exif: Uint8Array | null; xmp: Uint8Array | null } {
  const of = (start: string): Uint8Array | null => {
    const found = parse(bytes).segments.find(({ marker, content }) => marker === APP1 && says(content, 0, start));
    return found ? found.content.slice(start.length) : null;
  };
  return { exif: of(EXIF), xmp: of(XMP) };
}

/** What was encoded, with what the original said, and the statement that software made the colours. */
export function withMetadata(encoded: Uint8Array, original: Uint8Array | null): Bytes {
  const old = original ? parse(original).segments : [];
  const { segments, rest } = parse(encoded);
  const kept: Uint8Array[] = [];
  const exif = original && said(original).exif;
  const [width, height] = size(encoded) ?? [1, 1];
  if (exif && exif.length + 6 <= MOST && renewed(exif, width, height))
    kept.push(segment(APP1, joined([ascii(EXIF), exif])));
  const packet = withStatement(original && said(original).xmp);
  const fits = packet.length + XMP.length <= MOST;
  kept.push(segment(APP1, joined([ascii(XMP), fits ? packet : withStatement(null)])));
  for (const { marker, content } of old) {
    const isExtension = marker === APP1 && says(content, 0, 'http://ns.adobe.com/xmp/extension/\0') && fits;
    if (marker === APP13 || marker === COMMENT || isExtension) kept.push(segment(marker, content));
  }
  const jfif = old.find(({ marker }) => marker === APP0) ?? segments.find(({ marker }) => marker === APP0);
  const own = segments.filter(({ marker }) => !(marker >= APP0 && marker <= APP15) && marker !== COMMENT);
  return joined([
    encoded.subarray(0, 2),
    ...(jfif ? [segment(APP0, jfif.content)] : []),
    ...kept,
    ...own.map(({ marker, content }) => segment(marker, content)),
    rest,
  ]);
}
