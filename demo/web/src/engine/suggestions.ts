/** Likely colors to choose from for a point: `suggestions` and `swatches` of lumachrome/hints.py. */

import known from '../adjustments.json';
import { join } from '../tail';
import type { Colors } from './adjustments';

/** a and b of likely colors for a point, the most telling first, each well apart from those before it. */
export function suggestions(colors: Colors, x: number, y: number, count = 5): [number, number][] {
  const { probabilities, bins, height, width } = colors;
  const bin = (q: number): [number, number] => [bins[2 * q], bins[2 * q + 1]];
  const likely = around(probabilities, height, width, x, y);
  const everywhere = new Float64Array(likely.length);
  probabilities.forEach((value, i) => {
    everywhere[i % likely.length] += value;
  });
  // What is likely all over the photo, grays and browns above all, says less about this point.
  const telling = likely.map((value, q) => value / Math.sqrt(everywhere[q] / (height * width) + 1e-9));
  const most = Math.max(...likely);
  const order = [...telling.keys()].sort((p, q) => telling[q] - telling[p]);
  const chosen: [number, number][] = [];
  for (const q of order) {
    const [a, b] = bin(q);
    const possible = likely[q] >= known.hints.unlikely * most && Math.hypot(a, b) >= known.hints.faint;
    const apart = chosen.every(([c, d]) => Math.hypot(a - c, b - d) >= known.hints.distinct);
    if (possible && apart && chosen.length < count) chosen.push([a, b]);
  }
  return chosen;
}

/** How colors look at a point of a photo, RGB bytes [height, width, 3]: '#rrggbb' at the luminance that it has. */
export function swatches(
  pixels: Uint8Array,
  height: number,
  width: number,
  x: number,
  y: number,
  ab: [number, number][],
) {
  const level = around(pixels, height, width, x, y).map(Math.round);
  return ab.map((color) => {
    const pixels = Uint8Array.from(level);
    join({ pixels, width: 1, channels: 3, first: 0, height: 1 }, { ab: Float32Array.from(color), width: 1, height: 1 });
    return `#${[...pixels].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
  });
}

function around(values: Float32Array | Uint8Array, height: number, width: number, x: number, y: number): number[] {
  const depth = values.length / (height * width);
  const reach = known.hints.near * Math.min(height, width);
  const [top, bottom] = span(y * height, reach, height);
  const [left, right] = span(x * width, reach, width);
  const sum = new Array<number>(depth).fill(0);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      for (let q = 0; q < depth; q++) sum[q] += values[(row * width + column) * depth + q];
    }
  }
  return sum.map((value) => value / ((bottom - top) * (right - left)));
}

function span(center: number, reach: number, length: number): [number, number] {
  const first = Math.trunc(Math.max(0, Math.min(length - 1, center - reach)));
  return [first, Math.max(first + 1, Math.min(length, Math.ceil(center + reach)))];
}
