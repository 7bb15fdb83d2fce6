/**
 * What a person can set, and what it does to the colors that a network gives: lumachrome/adjustments.py once more, for
 * the browser. Its numbers come from there, in adjustments.json.
 */

import known from '../adjustments.json';

/** x and y as fractions of width and height; color '#rrggbb'. */
export interface Hint {
  readonly x: number;
  readonly y: number;
  readonly color: string;
}

/** The colors of a photo in short: mean and spread of CIELAB a and b. */
export interface Palette {
  readonly mean: readonly [number, number];
  readonly spread: readonly [number, number];
}

export interface Adjustments {
  readonly render_size: number;
  readonly vividness: number;
  readonly saturation: number;
  readonly warmth: number;
  readonly variant: number;
  readonly reach: number;
  readonly palette: Palette | null;
  readonly strength: number;
  readonly hints: readonly Hint[];
}

/** What one run of a network says about a photo's colors; of `probabilities` [height, width, bins] there may be none. */
export interface Colors {
  readonly ab: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly probabilities: Float32Array;
  readonly bins: Float32Array;
  /** The mean of the likely colors, [height, width, 2]. */
  readonly faithful: Float32Array;
}

export interface Setting {
  readonly default: number;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly presets: readonly number[];
}

export const SETTINGS = known.settings as Readonly<Record<string, Setting>>;

/** The looks to choose from: all that each of them sets. */
export const PRESETS: Readonly<Record<string, Pick<Adjustments, 'vividness' | 'saturation' | 'warmth'>>> = known.presets;

export const AS_THEY_COME: Adjustments = {
  ...(Object.fromEntries(Object.entries(SETTINGS).map(([name, { default: value }]) => [name, value])) as Record<
    'render_size' | 'vividness' | 'saturation' | 'warmth' | 'reach' | 'variant' | 'strength',
    number
  >),
  palette: null,
  hints: [],
};

/** The mean color of each place's distribution: `probabilities` times `bins`. */
export function meanOf(probabilities: Float32Array, bins: Float32Array): Float32Array {
  const count = bins.length / 2;
  const out = new Float32Array((probabilities.length / count) * 2);
  for (let i = 0, j = 0; j < out.length; j += 2) {
    let [a, b] = [0, 0];
    for (let q = 0; q < count; q++, i++) {
      a += probabilities[i] * bins[2 * q];
      b += probabilities[i] * bins[2 * q + 1];
    }
    out[j] = a;
    out[j + 1] = b;
  }
  return out;
}

/** What the settings make of a network's colors: a and b [height, width, 2], for the tail. */
export function applied(adjustments: Adjustments, { ab, faithful }: Colors): Float32Array {
  const { vividness, saturation, warmth, palette, strength } = adjustments;
  const out = new Float32Array(ab.length);
  for (let i = 0; i < ab.length; i++) out[i] = faithful[i] + vividness * (ab[i] - faithful[i]);
  const own = palette && paletteOf(out);
  for (let c = 0; c < 2; c++) {
    let gain = 1;
    if (own && palette) {
      gain = Math.max(
        known.palette_gain[0],
        Math.min(known.palette_gain[1], palette.spread[c] / Math.max(own.spread[c], 1e-6)),
      );
    }
    for (let i = c; i < out.length; i += 2) {
      let value = out[i];
      if (own && palette) value += strength * ((value - own.mean[c]) * gain + palette.mean[c] - value);
      out[i] = (value + warmth * known.warmest[c]) * saturation;
    }
  }
  return out;
}

/** The palette of a map of a and b. */
export function paletteOf(ab: Float32Array): Palette {
  const count = ab.length / 2;
  const of = (c: number): [number, number] => {
    let [sum, squares] = [0, 0];
    for (let i = c; i < ab.length; i += 2) sum += ab[i];
    const mean = sum / count;
    for (let i = c; i < ab.length; i += 2) squares += (ab[i] - mean) ** 2;
    return [mean, Math.sqrt(squares / count)];
  };
  const [[a, aSpread], [b, bSpread]] = [of(0), of(1)];
  return { mean: [a, b], spread: [aSpread, bSpread] };
}

/** Whether a palette is one of a photo's own colors; an old print's one tone does not count. */
export const isColored = ({ spread }: Palette): boolean => Math.hypot(...spread) > known.colored;

/** Whether there is next to no color in it. */
export function isDull({ ab }: Colors): boolean {
  let sum = 0;
  for (let i = 0; i < ab.length; i += 2) sum += Math.hypot(ab[i], ab[i + 1]);
  return sum / (ab.length / 2) < known.dull;
}
