/** What the head of a BMP says; of a file's length, programs write there what they like. */

import { view } from './bytes';

const FIRST = 12; // bytes of the oldest header, that of OS/2, which has a format of its own
const UNPACKED = [0, 3, 6]; // of compressions: none, and two in which masks tell the colors apart

/** Width, height, and where the picture ends at the earliest; null where the head itself is cut short. */
export function header(bytes: Uint8Array): { width: number; height: number; end: number } | null {
  if (bytes.length < 38) return null;
  const data = view(bytes);
  const start = data.getUint32(10, true);
  const isFirst = data.getUint32(14, true) === FIRST;
  const width = isFirst ? data.getUint16(18, true) : data.getInt32(18, true);
  const height = isFirst ? data.getUint16(20, true) : Math.abs(data.getInt32(22, true)); // of some, the top comes first
  const bits = data.getUint16(isFirst ? 24 : 28, true);
  const isUnpacked = isFirst || UNPACKED.includes(data.getUint32(30, true));
  const length = isUnpacked ? 4 * Math.ceil((width * bits) / 32) * height : data.getUint32(34, true);
  return { width, height, end: start + length };
}
