// node join_bands.mjs TAIL REQUEST: the script TAIL joins what a .json file says, band by band, in place if so asked.
import { readFileSync, writeFileSync } from 'node:fs';

const { join } = await import(process.argv[2]);
const { photo, depth, width, channels, height, ab, abHeight, abWidth, rows, inPlace, out } =
  JSON.parse(readFileSync(process.argv[3], 'utf8'));

const Kind = { uint8: Uint8Array, uint8clamped: Uint8ClampedArray, uint16: Uint16Array }[depth];
const read = (path, Array) => new Array(new Uint8Array(readFileSync(path)).buffer);
const pixels = read(photo, Kind), colors = { ab: read(ab, Float32Array), width: abWidth, height: abHeight };
const joined = inPlace ? pixels : new Kind(pixels.length);
for (let first = 0; first < height; first += rows) {
  const part = (array) => array.subarray(first * width * channels, (first + rows) * width * channels);
  const band = { pixels: part(pixels), width, channels, first, height };
  if (inPlace) join(band, colors);
  else join(band, colors, part(joined));
}
writeFileSync(out, new Uint8Array(joined.buffer));
