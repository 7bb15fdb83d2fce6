/**
 * TIFF files, which no browser reads: in strips or tiles, and in the compressions that scanners and editors write.
 *
 * geotiff takes them apart: unlike the smaller package tiff, it knows PackBits, and planes.
 */

import { fromArrayBuffer, type GeoTIFFImage, getDecoder } from 'geotiff';

import { is16, type Photo, PhotoError, type Pixels, type Samples } from '../engine/photo';
import { checkSize, split, turned } from './pixels';

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR] = [0, 1, 2, 3, 6];
const JPEG = 7;
const DNG_VERSION = 50706; // a tag of raw files
const COMPRESSIONS = [1, 5, JPEG, 8, 32946, 32773]; // none, LZW, JPEG, Deflate by two numbers, PackBits
const ROWS = 512; // that are decoded at a time, or as many as a block has
const INTEGERS = 1; // of the formats of a sample
const ASSOCIATED = 1; // transparency by which the colors are multiplied

/** Read the first picture of a file; of a kind that is not read, a PhotoError. */
export async function decodeTiff(file: Blob): Promise<Photo> {
  const image = await (await fromArrayBuffer(await file.arrayBuffer())).getImage();
  if (image.fileDirectory.hasTag(DNG_VERSION)) throw new PhotoError('file_raw');
  checkSize(image.getWidth(), image.getHeight());
  const photo = turned(await pixelsOf(image), Number(await image.fileDirectory.loadValue('Orientation')));
  const notes = image.fileDirectory.nextIFDByteOffset ? ['becomes_png', 'first_page'] : ['becomes_png'];
  return { ...photo, format: 'png', notes };
}

async function pixelsOf(image: GeoTIFFImage): Promise<Pixels> {
  const [width, height, samples, bits] = [
    image.getWidth(),
    image.getHeight(),
    image.getSamplesPerPixel(),
    image.getBitsPerSample(),
  ];
  const kind = image.fileDirectory.getValue('PhotometricInterpretation');
  const compression = image.fileDirectory.getValue('Compression') ?? 1;
  const isGray = kind === WHITE_IS_ZERO || kind === BLACK_IS_ZERO;
  const colors = isGray || kind === PALETTE ? 1 : 3;
  const isRead =
    COMPRESSIONS.includes(compression) &&
    image.getSampleFormat() === INTEGERS &&
    (isGray || kind === RGB || kind === PALETTE || (kind === YCBCR && compression === JPEG)) &&
    ([8, 16].includes(bits) || ([1, 2, 4].includes(bits) && samples === 1));
  if (!isRead) throw new PhotoError('file_kind');
  const block = image.getTileWidth() * image.getTileHeight();
  if (!(width && height && block) || samples < colors) throw new PhotoError('file_damaged');
  if (kind === YCBCR) {
    const { buffer } = await image.readRGB({ interleave: true });
    return { width, height, pixels: new Uint8Array(buffer as ArrayBuffer), alpha: null };
  }

  const channels = kind === PALETTE ? 1 : Math.min(samples, colors + 1);
  const data = await read(image, channels);
  if (kind === PALETTE) return split(await unfolded(data, image), 3, { width, height });
  if (bits < 8) for (let i = 0; i < data.length; i++) data[i] = (data[i] * 255) / (2 ** bits - 1);
  const photo = split(data, channels, { width, height });
  if (kind === WHITE_IS_ZERO) for (let i = 0; i < photo.pixels.length; i++) photo.pixels[i] = ~photo.pixels[i];
  if (image.fileDirectory.getValue('ExtraSamples')?.[0] === ASSOCIATED) divide(photo);
  return photo;
}

/** The first channels of a picture, [height, width, channels]; not all of its blocks are decoded at once. */
async function read(image: GeoTIFFImage, channels: number): Promise<Samples> {
  const [width, height, bits] = [image.getWidth(), image.getHeight(), image.getBitsPerSample()];
  const samples = Array.from({ length: channels }, (_, channel) => channel);
  const isSwapped = bits === 16 && !image.littleEndian && (await image.fileDirectory.loadValue('Predictor')) === 2;
  const rows = Math.ceil(ROWS / image.getTileHeight()) * image.getTileHeight();
  const data = new (bits === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  for (let top = 0; top < height; top += rows) {
    const window = [0, top, width, Math.min(height, top + rows)];
    const pool = isSwapped ? (WITHOUT_SUMS as never) : null;
    data.set((await image.readRasters({ interleave: true, samples, window, pool })) as never, top * width * channels);
  }
  if (!isSwapped) return data;
  const [line, tile] = [width * channels, image.getTileWidth() * channels];
  for (let i = 0; i < data.length; i++) if ((i % line) % tile >= channels) data[i] += data[i - channels];
  return data;
}

/** Decodes blocks to differences between neighbours: geotiff adds them up in the machine's order of bytes alone. */
const WITHOUT_SUMS = {
  bindParameters: (compression: number, parameters: object) => ({
    decode: async (block: ArrayBuffer) =>
      (await getDecoder(compression, { ...parameters, predictor: 1 } as never)).decode(block),
  }),
};

/** Colors of a palette by their numbers. */
async function unfolded(numbers: Samples, image: GeoTIFFImage): Promise<Samples> {
  const map = (await image.fileDirectory.loadValue('ColorMap')) as Uint16Array | undefined;
  if (!map) throw new PhotoError('file_damaged');
  const count = map.length / 3;
  const shift = map.some((level) => level > 255) ? 8 : 0; // some programs write levels of 8 bits
  const out = new Uint8Array(numbers.length * 3);
  for (let i = 0; i < out.length; i++) out[i] = map[(i % 3) * count + numbers[Math.floor(i / 3)]] >> shift;
  return out;
}

/** Undo the multiplication of colors by their transparency. */
function divide({ pixels, alpha }: Pixels): void {
  if (!alpha) return;
  const most = is16(pixels) ? 65535 : 255;
  for (let i = 0; i < pixels.length; i++) {
    const opaque = alpha[Math.floor(i / 3)];
    if (opaque) pixels[i] = Math.min(most, Math.round((pixels[i] * most) / opaque));
  }
}
