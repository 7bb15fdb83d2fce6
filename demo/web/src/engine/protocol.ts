/** What a page and its worker say to each other. */

import type { Adjustments, Palette } from './adjustments';
import type { Lines } from './compare';
import type { Format } from './photo';

export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Opened {
  readonly width: number;
  readonly height: number;
  readonly format: Format;
  readonly notes: readonly string[];
  readonly before: ImageBitmap;
}

export interface Looked {
  readonly after: ImageBitmap;
  readonly isDull: boolean;
  /** How long the network took, with the small copy that it is shown. */
  readonly ms: number;
}

export interface Saved {
  readonly file: Blob;
  readonly format: Format;
  /** How long it took to join the colors to all pixels, without writing the file. */
  readonly ms: number;
  /** A small picture of it. */
  readonly thumbnail: ImageBitmap;
}

/** Questions and their answers. */
export interface Asks {
  start: [{ base: string; threads: number }, { threads: number }];
  open: [{ file: Blob }, Opened];
  look: [{ adjustments: Adjustments }, Looked];
  region: [{ region: Region; width: number; adjustments: Adjustments }, { before: ImageBitmap; after: ImageBitmap }];
  suggest: [{ x: number; y: number; hint: number; adjustments: Adjustments }, { swatches: string[] }];
  thumbnails: [{ looks: readonly Adjustments[] }, { pictures: ImageBitmap[] }];
  palette: [{ file: Blob }, { palette: Palette }];
  save: [{ adjustments: Adjustments }, Saved];
  compare: [{ adjustments: Adjustments; lines: Lines }, { file: Blob }];
}

export type Name = keyof Asks;
export type Ask = { [Key in Name]: { id: number; ask: Key; of: Asks[Key][0] } }[Name];
export type Answer =
  | { id: number; progress: number }
  | { id: number; answer: unknown }
  | { id: number; word: string; values: Readonly<Record<string, string | number>>; detail: string };
