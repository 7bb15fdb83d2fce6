/** A block of EXIF (a small TIFF), changed in place to suit new pixels. */

import { says, view } from './bytes';

const ORIENTATION = 0x0112;

/** Make a block say that the picture is upright, and forget its thumbnail, which is gray. Damaged ones give false. */
export function renewed(tiff: Uint8Array): boolean {
  if (tiff.length < 14 || !(says(tiff, 0, 'II*\0') || says(tiff, 0, 'MM\0*'))) return false;
  const [data, little] = [view(tiff), tiff[0] === 0x49];
  const directory = data.getUint32(4, little);
  if (directory + 2 > tiff.length) return false;
  const end = directory + 2 + 12 * data.getUint16(directory, little);
  if (end > tiff.length) return false;
  for (let entry = directory + 2; entry < end; entry += 12) {
    if (data.getUint16(entry, little) === ORIENTATION) data.setUint16(entry + 8, 1, little);
  }
  if (end + 4 <= tiff.length) data.setUint32(end, 0, little);
  return true;
}
