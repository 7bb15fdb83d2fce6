/**
 * Whether a file was cut short: some browsers show what there is of such a picture, or black, and say nothing.
 *
 * What comes after a picture's end, such as a phone's short film, is nobody's business here.
 */

import * as bmp from './bmp';
import { view } from './bytes';
import { parse } from './jpeg';
import { chunks } from './png';

/** Whether the first picture of a file is all there; of kinds that are not known here, true. */
export function isWhole(kind: string, bytes: Uint8Array): boolean {
  const length = bytes.length;
  if (kind === 'jpeg') return ends(parse(bytes).rest);
  if (kind === 'png') return [...chunks(bytes)].some(({ name }) => name === 'IEND');
  if (kind === 'webp') return length >= 12 && view(bytes).getUint32(4, true) + 8 <= length;
  if (kind === 'bmp') return (bmp.header(bytes)?.end ?? Infinity) <= length;
  return kind !== 'gif' || hasPicture(bytes);
}

/** Whether a JPEG's scans have an end: in what they hold, nothing looks like it. */
function ends(scans: Uint8Array): boolean {
  for (let at = scans.indexOf(0xff); at >= 0; at = scans.indexOf(0xff, at + 1)) if (scans[at + 1] === 0xd9) return true;
  return false;
}

/** Whether all of a GIF's first picture is there. */
function hasPicture(bytes: Uint8Array): boolean {
  const colors = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + colors(bytes[10]);
  while (at < bytes.length) {
    const isPicture = bytes[at] === 0x2c;
    if (!isPicture && bytes[at] !== 0x21) return false;
    at += isPicture ? 11 + colors(bytes[at + 9]) : 2;
    while (bytes[at] > 0) at += 1 + bytes[at];
    if (isPicture) return at < bytes.length;
    at++;
  }
  return false;
}
