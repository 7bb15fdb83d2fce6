/** All work on photos: one network, one photo at a time, its questions in turn. */

import { decode } from '../files/decode';
import { encode } from '../files/encode';
import { type Adjustments, applied, type Colors, isColored, isDull, paletteOf } from './adjustments';
import { Colorizer } from './colorizer';
import { beside } from './compare';
import { abOf } from './lab';
import { fetchModel } from './model';
import { type Photo, PhotoError, row } from './photo';
import type { Answer, Ask, Asks, Name } from './protocol';
import { shrink } from './render';
import { suggestions, swatches } from './suggestions';

const PREVIEW = 1600; // long side in pixels of what is seen of a photo
const THUMBNAIL = 240;
const PALETTE = 256;

let colorizer: Colorizer;
let photo: Photo | null = null;
let file: Blob;
let preview: Photo; // the photo as it is seen: 8 bits, opaque
let last: { key: string; colors: Colors } | null = null; // what is adjusted without the network

type Answers = { [Key in Name]: (of: Asks[Key][0], progress: (share: number) => void) => Promise<Asks[Key][1]> };

const answers: Answers = {
  async start({ base, threads }, progress) {
    colorizer = await Colorizer.open(await fetchModel(base, progress), threads);
    return { threads: colorizer.threads };
  },

  async open(of) {
    photo = last = null; // before the next one takes its room
    photo = await decode(of.file);
    file = of.file;
    preview = smaller(photo, PREVIEW);
    const { width, height, format } = photo;
    const colored = isColored(paletteOf(abOf(smaller(preview, PALETTE).pixels as Uint8Array)));
    const notes = colored ? [...photo.notes, 'has_colors'] : photo.notes;
    return { width, height, format, notes, before: await bitmap(preview) };
  },

  async look({ adjustments }) {
    const begun = performance.now();
    const colors = await looked(adjustments);
    const ms = performance.now() - begun;
    return { after: await colored(preview, adjustments, colors), isDull: isDull(colors), ms };
  },

  async region({ region, width, adjustments }) {
    const whole = present();
    const colors = await looked(adjustments);
    const { x, y, height, width: own } = region;
    const small = { height: Math.max(1, Math.round((height * width) / own)), width };
    const part = (of: Photo): Photo => {
      const [h, w] = width < own ? [small.height, small.width] : [height, own];
      const line = new Uint8Array(of.width * 3);
      const cut = (at: number, out: Uint8Array): void => {
        row(of, at, line);
        out.set(line.subarray(3 * x, 3 * (x + own)));
      };
      return { ...of, height: h, width: w, alpha: null, pixels: shrink(cut, height, own, h, w) };
    };
    const band = (pixels: Photo['pixels']): Photo => ({
      ...whole,
      height,
      pixels,
      alpha: whole.alpha?.slice(y * whole.width, (y + height) * whole.width) as Photo['alpha'],
    });
    const [from, to] = [y * whole.width * 3, (y + height) * whole.width * 3];
    const after = colorizer.join(whole, applied(adjustments, colors), colors, y, height);
    return {
      before: await bitmap(part(band(whole.pixels.subarray(from, to) as Photo['pixels']))),
      after: await bitmap(part(band(after))),
    };
  },

  async suggest({ x, y, hint, adjustments }) {
    // At a hint, the network is sure of it: what else is likely there shows without.
    const others = { ...adjustments, hints: adjustments.hints.filter((_, i) => i !== hint) };
    const colors = hint < 0 ? await looked(adjustments) : await colorizer.colors(preview, others);
    const { pixels, height, width } = preview;
    return { swatches: swatches(pixels as Uint8Array, height, width, x, y, suggestions(colors, x, y)) };
  },

  async thumbnails({ looks }) {
    present();
    const small = smaller(preview, THUMBNAIL);
    const known = new Map(last ? [[last.key, last.colors]] : []);
    const pictures: ImageBitmap[] = [];
    for (const look of looks) {
      const key = keyOf(look);
      const colors = known.get(key) ?? (await colorizer.colors(preview, look));
      known.set(key, colors);
      pictures.push(await colored(small, look, colors));
    }
    return { pictures };
  },

  async palette(of) {
    const { pixels } = smaller(await decode(of.file), PALETTE);
    return { palette: paletteOf(abOf(pixels as Uint8Array)) };
  },

  async save({ adjustments }, progress) {
    const whole = present();
    const colors = await looked(adjustments);
    const ab = applied(adjustments, colors);
    let ms = 0;
    const band = async (first: number, rows: number) => {
      const begun = performance.now();
      const rgb = colorizer.join(whole, ab, colors, first, rows);
      ms += performance.now() - begun;
      return rgb;
    };
    const written = await encode(whole, file, band, progress);
    return {
      file: written,
      format: whole.format,
      ms,
      thumbnail: await colored(smaller(preview, THUMBNAIL), adjustments, colors),
    };
  },

  async compare({ adjustments, lines }, progress) {
    present();
    const after = await colored(preview, adjustments, await looked(adjustments));
    const both = beside(await bitmap(preview), after, lines);
    const rows = async (first: number, count: number) =>
      both.pixels.subarray(3 * both.width * first, 3 * both.width * (first + count));
    return { file: await encode(both, new Blob(), rows, progress) };
  },
};

function present(): Photo {
  if (!photo) throw new PhotoError('choose_first');
  return photo;
}

/** What of the settings the network is told. */
const keyOf = ({ hints, reach, variant, render_size, vividness }: Adjustments): string =>
  JSON.stringify([hints, reach, variant, render_size, vividness > 0]);

async function looked(adjustments: Adjustments): Promise<Colors> {
  const key = keyOf(adjustments);
  if (last?.key !== key) last = { key, colors: await colorizer.colors(present(), adjustments) };
  return last.colors;
}

/** A photo's opaque copy of 8 bits, whose long side is at most `side`. */
function smaller(of: Photo, side: number): Photo {
  const scale = Math.min(1, side / Math.max(of.width, of.height));
  const [height, width] = [of.height, of.width].map((length) => Math.max(1, Math.round(length * scale)));
  const pixels = shrink((y, out) => row(of, y, out), of.height, of.width, height, width);
  return { ...of, height, width, pixels, alpha: null };
}

async function colored(of: Photo, adjustments: Adjustments, colors: Colors): Promise<ImageBitmap> {
  return bitmap({ ...of, pixels: colorizer.join(of, applied(adjustments, colors), colors, 0, of.height) });
}

function bitmap(of: Photo): Promise<ImageBitmap> {
  const image = new ImageData(of.width, of.height);
  image.data.fill(255);
  for (let y = 0; y < of.height; y++) row(of, y, image.data.subarray(4 * y * of.width), 4);
  return createImageBitmap(image);
}

const pictures = (answer: object): Transferable[] =>
  Object.values(answer)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter((value) => value instanceof ImageBitmap);

let turn: Promise<void> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<Ask>) => {
  const { id, ask, of } = data;
  const say = (message: Answer, given: Transferable[] = []) => self.postMessage(message, { transfer: given });
  turn = turn.then(async () => {
    try {
      const answer = (await answers[ask](of as never, (progress) => say({ id, progress }))) as object;
      say({ id, answer }, pictures(answer));
    } catch (error) {
      const known = error instanceof PhotoError;
      say({ id, word: known ? error.message : 'failed', values: known ? error.values : {}, detail: String(error) });
    }
  });
};
