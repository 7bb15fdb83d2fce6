// The tail as a loop over pixels: what join.onnx and join16.onnx do, within a level.
// Written by `python -m export tails` from the statements of export/tail.py: not to be changed here.

export type Pixels = Uint8Array | Uint8ClampedArray | Uint16Array;

/** A band of a photo: whole rows of sRGB pixels, of 3 channels or of 4, whose last is transparency. */
export interface Band {
  pixels: Pixels;
  width: number;
  channels: 3 | 4;
  /** Its first row in the whole photo, and the height of that. */
  first: number;
  height: number;
}

/** CIELAB a and b of the whole photo, pixel by pixel, row by row. */
export interface ColorMap {
  ab: Float32Array;
  width: number;
  height: number;
}

/** Joins colors to a band of a photo. `out`, as long as the pixels and of their type, is filled; it may be the same. */
export function join(band: Band, colors: ColorMap, out: Pixels = band.pixels): void {
  if (band.pixels instanceof Uint16Array) joinWords(band, colors, band.pixels, out as Uint16Array);
  else joinBytes(band, colors, bytes(band.pixels), bytes(out as Uint8Array));
}

/** The same bytes as one type: what writes to a clamped array rounds once more. */
function bytes(pixels: Uint8Array | Uint8ClampedArray): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
}

let byteTables: ReturnType<typeof tablesOfBytes> | undefined;

/** What a level of red, green and blue adds to the luminance, in 1/65535; CIELAB's f of the sum; sRGB of such light. */
function tablesOfBytes() {
  const red = new Int32Array(256), green = new Int32Array(256), blue = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    const div0 = index / 255;
    const pow4 = (((div0 > 0.04045 ? div0 : 0.04045) + 0.055) / 1.055) ** 2.4;
    const div7 = ((div0 < 0.04045 ? div0 : 0.04045) - 0.04045) / 12.92;
    const add8 = pow4 + div7;
    const ofRed = Math.round(add8 * 13937.394);
    const ofGray = Math.round(add8 * 65535);
    const ofBlue = Math.round(add8 * 4729.595);
    red[index] = ofRed;
    green[index] = ofGray - ofRed - ofBlue;
    blue[index] = ofBlue;
  }
  const fys = new Float32Array(65536);
  for (let index = 0; index < 65536; index++) {
    const div0 = index / 65535;
    const pow2 = (div0 > 0.008856452 ? div0 : 0.008856452) ** 0.33333334;
    const mul5 = ((div0 < 0.008856452 ? div0 : 0.008856452) - 0.008856452) * 7.787;
    fys[index] = pow2 + mul5;
  }
  const encoded = new Uint8Array(65536);
  for (let index = 0; index < 65536; index++) {
    const div0 = index / 65535;
    const root = Math.sqrt(Math.sqrt(div0 > 0.0031308 ? div0 : 0.0031308));
    const mul10 = root * (root * (root * (root * 19.505587 + -82.47508) + 283.58286) + 50.988174);
    const curve = mul10 + -26.410467;
    encoded[index] = curve + (div0 < 0.0031308 ? div0 : 0.0031308) * 3294.6 | 0;
  }
  return { red, green, blue, fys, encoded };
}

let wordTables: ReturnType<typeof tablesOfWords> | undefined;

/** Linear light of each level of 16 bits. */
function tablesOfWords() {
  const lights = new Float32Array(65536);
  for (let index = 0; index < 65536; index++) {
    const div0 = index / 65535;
    const pow4 = (((div0 > 0.04045 ? div0 : 0.04045) + 0.055) / 1.055) ** 2.4;
    const div7 = ((div0 < 0.04045 ? div0 : 0.04045) - 0.04045) / 12.92;
    lights[index] = pow4 + div7;
  }
  return { lights };
}

/** Between which two rows or columns of a small map one of a large photo lies, and how far below the first. */
function placed(index: number, small: number, large: number): [number, number, number] {
  const sub4 = (index + 0.5) * (small / large) - 0.5;
  const last = small - 1;
  const min5 = sub4 < last ? sub4 : last;
  const place = min5 > 0 ? min5 : 0;
  const aboveIt = Math.floor(place);
  const add8 = aboveIt + 1;
  return [aboveIt, add8 < last ? add8 : last, place - aboveIt];
}

/** `placed` of every column. */
function columns(small: number, width: number) {
  const lefts = new Int32Array(width), rights = new Int32Array(width), shares = new Float32Array(width);
  for (let x = 0; x < width; x++) [lefts[x], rights[x], shares[x]] = placed(x, small, width);
  return { lefts, rights, shares };
}

/** A row of the map as wide as the photo, X before Z: what a and b add to CIELAB's f of them. */
function enlarge(colors: ColorMap, row: number, at: ReturnType<typeof columns>, wide: Float32Array) {
  const { ab } = colors, { lefts, rights, shares } = at, width = lefts.length, start = row * colors.width;
  for (let x = 0; x < width; x++) {
    const left = 2 * (start + lefts[x]), right = 2 * (start + rights[x]), share = shares[x];
    const leftA = ab[left], leftB = ab[left + 1], rightA = ab[right], rightB = ab[right + 1];
    wide[x] = (leftA + (rightA - leftA) * share) * 0.002;
    wide[width + x] = (leftB + (rightB - leftB) * share) * -0.005;
  }
}

function joinBytes(band: Band, colors: ColorMap, pixels: Uint8Array, out: Uint8Array) {
  byteTables ??= tablesOfBytes();
  const { red, green, blue, fys, encoded } = byteTables, { width, channels, first, height } = band;
  const at = columns(colors.width, width), rows = pixels.length / width / channels;
  const upper = new Float32Array(2 * width), lower = new Float32Array(2 * width);
  let loaded = -1;
  for (let y = 0, i = 0; y < rows; y++) {
    const [above, below, share] = placed(first + y, colors.height, height);
    if (above !== loaded) {
      enlarge(colors, above, at, upper);
      enlarge(colors, below, at, lower);
      loaded = above;
    }
    for (let x = 0; x < width; x++, i += channels) {
      const levelR = pixels[i], levelG = pixels[i + 1], levelB = pixels[i + 2];
      const aboveX = upper[x], aboveZ = upper[width + x], belowX = lower[x], belowZ = lower[width + x];
      const index = red[levelR] + green[levelG] + blue[levelB];
      const luminance = index * 1.5259022e-05;
      const fy = fys[index];
      const tX = aboveX + (belowX - aboveX) * share + fy;
      const cubedX = tX > 0.20689656 ? tX : 0.20689656;
      const differenceX = cubedX * cubedX * cubedX + (tX - cubedX) * 0.12841916 - luminance;
      const tZ = aboveZ + (belowZ - aboveZ) * share + fy;
      const cubedZ = tZ > 0.20689656 ? tZ : 0.20689656;
      const differenceZ = cubedZ * cubedZ * cubedZ + (tZ - cubedZ) * 0.12841916 - luminance;
      const chromaR = differenceX * 3.0799348 + differenceZ * -0.54278344;
      const chromaG = differenceX * -0.9212342 + differenceZ * 0.04524418;
      const max204 = chromaR > chromaG ? chromaR : chromaG;
      const chromaB = differenceX * 0.052889682 + differenceZ * 1.1511517;
      const max203 = max204 > chromaB ? max204 : chromaB;
      const roomAbove = (1 - luminance) / (max203 > 1e-06 ? max203 : 1e-06);
      const min224 = chromaR < chromaG ? chromaR : chromaG;
      const min223 = min224 < chromaB ? min224 : chromaB;
      const roomBelow = luminance / -(min223 < -1e-06 ? min223 : -1e-06);
      const fit3 = roomAbove < roomBelow ? roomAbove : roomBelow;
      const fit = fit3 < 1 ? fit3 : 1;
      const lightR = luminance + chromaR * fit;
      const lightG = luminance + chromaG * fit;
      const lightB = luminance + chromaB * fit;
      out[i] = encoded[lightR * 65535 + 0.5 | 0];
      out[i + 1] = encoded[lightG * 65535 + 0.5 | 0];
      out[i + 2] = encoded[lightB * 65535 + 0.5 | 0];
      if (channels === 4) out[i + 3] = pixels[i + 3];
    }
  }
}

function joinWords(band: Band, colors: ColorMap, pixels: Uint16Array, out: Uint16Array) {
  wordTables ??= tablesOfWords();
  const { lights } = wordTables, { width, channels, first, height } = band;
  const at = columns(colors.width, width), rows = pixels.length / width / channels;
  const upper = new Float32Array(2 * width), lower = new Float32Array(2 * width);
  let loaded = -1;
  for (let y = 0, i = 0; y < rows; y++) {
    const [above, below, share] = placed(first + y, colors.height, height);
    if (above !== loaded) {
      enlarge(colors, above, at, upper);
      enlarge(colors, below, at, lower);
      loaded = above;
    }
    for (let x = 0; x < width; x++, i += channels) {
      const levelR = pixels[i], levelG = pixels[i + 1], levelB = pixels[i + 2];
      const aboveX = upper[x], aboveZ = upper[width + x], belowX = lower[x], belowZ = lower[width + x];
      const luminance = lights[levelR] * 0.212671 + lights[levelG] * 0.71516 + lights[levelB] * 0.072169;
      const pow5 = (luminance > 0.008856452 ? luminance : 0.008856452) ** 0.33333334;
      const mul8 = ((luminance < 0.008856452 ? luminance : 0.008856452) - 0.008856452) * 7.787;
      const fy = pow5 + mul8;
      const tX = aboveX + (belowX - aboveX) * share + fy;
      const cubedX = tX > 0.20689656 ? tX : 0.20689656;
      const differenceX = cubedX * cubedX * cubedX + (tX - cubedX) * 0.12841916 - luminance;
      const tZ = aboveZ + (belowZ - aboveZ) * share + fy;
      const cubedZ = tZ > 0.20689656 ? tZ : 0.20689656;
      const differenceZ = cubedZ * cubedZ * cubedZ + (tZ - cubedZ) * 0.12841916 - luminance;
      const chromaR = differenceX * 3.0799348 + differenceZ * -0.54278344;
      const chromaG = differenceX * -0.9212342 + differenceZ * 0.04524418;
      const max204 = chromaR > chromaG ? chromaR : chromaG;
      const chromaB = differenceX * 0.052889682 + differenceZ * 1.1511517;
      const max203 = max204 > chromaB ? max204 : chromaB;
      const roomAbove = (1 - luminance) / (max203 > 1e-06 ? max203 : 1e-06);
      const min224 = chromaR < chromaG ? chromaR : chromaG;
      const min223 = min224 < chromaB ? min224 : chromaB;
      const roomBelow = luminance / -(min223 < -1e-06 ? min223 : -1e-06);
      const fit3 = roomAbove < roomBelow ? roomAbove : roomBelow;
      const fit = fit3 < 1 ? fit3 : 1;
      const lightR = luminance + chromaR * fit;
      const mul30R = (lightR > 0.0031308 ? lightR : 0.0031308) ** 0.41666666 * 69139.42;
      const mul32R = (lightR < 0.0031308 ? lightR : 0.0031308) * 846712.2;
      const lightG = luminance + chromaG * fit;
      const mul30G = (lightG > 0.0031308 ? lightG : 0.0031308) ** 0.41666666 * 69139.42;
      const mul32G = (lightG < 0.0031308 ? lightG : 0.0031308) * 846712.2;
      const lightB = luminance + chromaB * fit;
      const mul30B = (lightB > 0.0031308 ? lightB : 0.0031308) ** 0.41666666 * 69139.42;
      const mul32B = (lightB < 0.0031308 ? lightB : 0.0031308) * 846712.2;
      out[i] = mul30R + mul32R + -6254.8115 | 0;
      out[i + 1] = mul30G + mul32G + -6254.8115 | 0;
      out[i + 2] = mul30B + mul32B + -6254.8115 | 0;
      if (channels === 4) out[i + 3] = pixels[i + 3];
    }
  }
}
