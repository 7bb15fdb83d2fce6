/**
 * A photo made smaller, as Pillow's BILINEAR does it with its filter widened: rows and columns apart, each row narrowed
 * once. This is how a network is shown a photo (`render.onnx` gives the same within a level), and how a screen is.
 */

import known from '../adjustments.json';

/** Gives one row of the photo, RGB. */
export type Row = (y: number, out: Uint8Array) => void;

/** Height and width at which a network looks at a photo whose short side it wants to be `size` pixels. */
export function renderedShape(height: number, width: number, size: number): [number, number] {
  const short = Math.min(height, width);
  const rendered = (side: number): number =>
    Math.floor((2 * side * size + short * known.render_step) / (2 * short * known.render_step)) * known.render_step;
  const longest = known.longest_aspect * rendered(short);
  return [Math.min(rendered(height), longest), Math.min(rendered(width), longest)];
}

interface Kernel {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float32Array;
  readonly most: number;
}

function kernel(from: number, to: number): Kernel {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const most = Math.ceil(support) * 2 + 1;
  const [first, count, weights] = [new Int32Array(to), new Int32Array(to), new Float32Array(to * most)];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const low = Math.max(0, Math.floor(center - support + 0.5));
    const high = Math.min(from, Math.floor(center + support + 0.5));
    let sum = 0;
    for (let j = low; j < high; j++) {
      const weight = Math.max(0, 1 - Math.abs((j - center + 0.5) / support));
      weights[i * most + j - low] = weight;
      sum += weight;
    }
    for (let j = 0; j < high - low; j++) weights[i * most + j] /= sum;
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count, weights, most };
}

/** RGB bytes [height, width, 3] of a photo of `rows` rows that are `columns` wide. */
export function shrink(
  read: Row,
  rows: number,
  columns: number,
  height: number,
  width: number,
): Uint8Array<ArrayBuffer> {
  const [across, down] = [kernel(columns, width), kernel(rows, height)];
  const line = new Uint8Array(columns * 3);
  const out = new Uint8Array(height * width * 3);
  const narrowed = new Float32Array(down.most * width * 3); // rows, kept while one of the result needs them
  const held = new Int32Array(down.most).fill(-1);
  const sum = new Float32Array(width * 3);
  for (let y = 0; y < height; y++) {
    sum.fill(0.5);
    for (let k = 0; k < down.count[y]; k++) {
      const source = down.first[y] + k;
      const at = (source % down.most) * width * 3;
      if (held[source % down.most] !== source) {
        held[source % down.most] = source;
        read(source, line);
        narrow(line, across, width, narrowed, at);
      }
      const weight = down.weights[y * down.most + k];
      for (let i = 0; i < width * 3; i++) sum[i] += weight * narrowed[at + i];
    }
    for (let i = 0; i < width * 3; i++) out[y * width * 3 + i] = sum[i];
  }
  return out;
}

function narrow(
  line: Uint8Array,
  { first, count, weights, most }: Kernel,
  width: number,
  out: Float32Array,
  at: number,
) {
  for (let x = 0; x < width; x++) {
    let [r, g, b] = [0.5, 0.5, 0.5];
    let i = first[x] * 3;
    for (let j = x * most; j < x * most + count[x]; j++, i += 3) {
      r += weights[j] * line[i];
      g += weights[j] * line[i + 1];
      b += weights[j] * line[i + 2];
    }
    out[at + 3 * x] = Math.floor(r);
    out[at + 3 * x + 1] = Math.floor(g);
    out[at + 3 * x + 2] = Math.floor(b);
  }
}
