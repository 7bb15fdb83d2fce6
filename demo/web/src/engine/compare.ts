/**
 * A picture to share: a photo before and after, with a line that says who made the colors. demo/page/compare.py once
 * more, for the browser.
 */

import { split } from '../files/pixels';
import type { Photo } from './photo';

/** What is said under pictures that stand beside each other, or one above the other. */
export interface Lines {
  readonly beside: string;
  readonly above: string;
}

const [MARGIN, GAP] = [24, 8]; // pixels
const SMALLEST = 6; // of a letter

/** Two pictures of the same size as one; wide ones stand one above the other. */
export function beside(before: ImageBitmap, after: ImageBitmap, lines: Lines): Photo {
  const { width, height } = before;
  const isWide = width > 1.3 * height;
  const both = isWide ? { width, height: 2 * height + GAP } : { width: 2 * width + GAP, height };
  let size = Math.max(10, Math.floor(both.width / 52));
  const foot = 2 * size + MARGIN / 2;
  const canvas = new OffscreenCanvas(both.width, both.height + foot);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new RangeError('no memory for a canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(before, 0, 0);
  context.drawImage(after, both.width - width, both.height - height);

  const line = isWide ? lines.above : lines.beside;
  const room = both.width - 2 * MARGIN;
  const length = (): number => {
    context.font = `${size}px system-ui, sans-serif`;
    return context.measureText(line).width;
  };
  for (let long = length(); long > room && size > SMALLEST; long = length()) {
    size = Math.max(SMALLEST, Math.min(size - 1, Math.floor((size * room) / long)));
  }
  Object.assign(context, { fillStyle: '#333', textAlign: 'center', textBaseline: 'middle' });
  context.fillText(line, both.width / 2, both.height + foot / 2, room); // narrower letters if nothing else helps
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { ...split(new Uint8Array(data.buffer), 4, canvas), alpha: null, format: 'jpeg', notes: [] };
}
