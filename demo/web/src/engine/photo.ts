/** A photo as it lies in memory: upright sRGB pixels, and what its file is to become. */

export type Format = 'jpeg' | 'png' | 'webp';
export type Samples = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3]. */
  readonly pixels: Samples;
  /** [height, width], of the same type; null where all is opaque. */
  readonly alpha: Samples | null;
}

export interface Photo extends Pixels {
  /** In which it will be written. */
  readonly format: Format;
  /** Names of words for what its reader should know: what was not kept, and what a download will not keep. */
  readonly notes: readonly string[];
}

/** What a visitor can mend or avoid; its message is the name of a word, `values` go into that. */
export class PhotoError extends Error {
  constructor(
    word: string,
    readonly values: Readonly<Record<string, string | number>> = {},
  ) {
    super(word);
    this.name = 'PhotoError';
  }
}

export const is16 = (samples: Samples): samples is Uint16Array<ArrayBuffer> => samples.BYTES_PER_ELEMENT === 2;

/** One row of a photo as a network or a screen is shown it: 8 bits, and what is transparent has become white. */
export function row(photo: Pixels, y: number, out: Uint8Array | Uint8ClampedArray, step = 3): void {
  const { width, pixels, alpha } = photo;
  const deep = is16(pixels);
  const most = deep ? 65535 : 255;
  for (let x = 0, i = y * width * 3, j = 0, k = y * width; x < width; x++, i += 3, j += step, k++) {
    for (let c = 0; c < 3; c++) {
      let value = deep ? Math.floor((pixels[i + c] * 255 + 32767) / 65535) : pixels[i + c];
      if (alpha) value = Math.round(255 + ((value - 255) * alpha[k]) / most);
      out[j + c] = value;
    }
  }
}
