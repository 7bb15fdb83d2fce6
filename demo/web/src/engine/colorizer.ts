/** A photo in, its colors out: `Colorizer` of lumachrome/colorizer.py once more, on onnxruntime-web. */

import * as ort from 'onnxruntime-web/wasm';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

import known from '../adjustments.json';
import { join } from '../tail';
import { type Adjustments, type Colors, meanOf } from './adjustments';
import { type Photo, row, type Samples } from './photo';
import { renderedShape, shrink } from './render';

const OPTIONS: ort.InferenceSession.SessionOptions = {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all', // without it, what is in integers would be computed in floats
  logSeverityLevel: 3, // it warns of the optional input strip_rows otherwise
  extra: { session: { intra_op: { allow_spinning: '0' } } }, // idle threads leave the cores to others
};

export class Colorizer {
  private constructor(private readonly network: ort.InferenceSession) {}

  /** Threads are taken where the page may share memory; some browsers promise them and have no memory for them. */
  static async open(model: Uint8Array, threads: number): Promise<Colorizer> {
    ort.env.wasm.wasmPaths = { wasm, mjs };
    const shares = self.crossOriginIsolated && typeof SharedArrayBuffer !== 'undefined';
    ort.env.wasm.numThreads = shares ? threads : 1;
    return new Colorizer(await ort.InferenceSession.create(model, OPTIONS));
  }

  get threads(): number {
    return ort.env.wasm.numThreads ?? 1;
  }

  /** What the network says of a photo's colors: the only place where it runs. It is shown a small copy. */
  async colors(photo: Photo, { hints, reach, variant, render_size, vividness }: Adjustments): Promise<Colors> {
    const [height, width] = renderedShape(photo.height, photo.width, render_size || known.own_size);
    const shown = shrink((y, out) => row(photo, y, out), photo.height, photo.width, height, width);
    const rows = hints.flatMap(({ x, y, color }) => [
      x,
      y,
      ...[1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)),
    ]);
    const found = await this.network.run(
      {
        photo: new ort.Tensor('uint8', shown, [1, height, width, 3]),
        render_size: new ort.Tensor('int64', [BigInt(Math.min(height, width))], [1]), // so it is looked at as it is
        saturation: new ort.Tensor('float32', [1], [1]),
        vividness: new ort.Tensor('float32', [vividness > 0 ? 1 : 0], [1]),
        hints: new ort.Tensor('float32', rows, [1, hints.length, 5]),
        reach: new ort.Tensor('float32', [reach], [1]),
        variant: new ort.Tensor('int64', [BigInt(variant)], [1]),
      },
      ['ab', 'probabilities', 'bins'],
    );
    const [ab, probabilities, bins] = [found.ab, found.probabilities, found.bins].map((tensor) =>
      (tensor.data as Float32Array).slice(),
    );
    const [, h, w] = found.ab.dims;
    return { ab, height: h, width: w, probabilities, bins, faithful: meanOf(probabilities, bins) };
  }

  /** Rows of a photo in color, [rows, width, 3], in its own depth. */
  join({ pixels, width, height }: Photo, ab: Float32Array, map: Colors, first: number, rows: number): Samples {
    const band = { pixels: pixels.slice(first * width * 3, (first + rows) * width * 3), width, channels: 3 as const, first, height };
    join(band, { ab, width: map.width, height: map.height });
    return band.pixels;
  }
}
