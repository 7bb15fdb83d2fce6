/** Joins a small map of a and b to a band of a photo: 8 bits. Constants and steps are those of export/pipeline.py. */

const FULL = 65535;
const TANGENT = 6 / 29;
const TOE = 7.787;
const XYZ = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];

function inverse(m: number[][]): number[][] {
  const [[a, b, c], [d, e, f], [g, h, i]] = m;
  const [A, B, C] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const det = a * A + b * B + c * C;
  const adjugate = [
    [A, c * h - b * i, b * f - c * e],
    [B, a * i - c * g, c * d - a * f],
    [C, b * g - a * h, a * e - b * d],
  ];
  return adjugate.map((line) => line.map((value) => value / det));
}

const RGB = inverse(XYZ.map((line) => line.map((value) => value / (line[0] + line[1] + line[2]))));
const linear = (v: number): number => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
const [red, green, blue] = [new Int32Array(256), new Int32Array(256), new Int32Array(256)];
const fy = new Float32Array(FULL + 1);
const encoded = new Uint8Array(FULL + 2);
for (let i = 0; i < 256; i++) {
  const light = linear(i / 255);
  red[i] = Math.round(FULL * XYZ[1][0] * light);
  blue[i] = Math.round(FULL * XYZ[1][2] * light);
  green[i] = Math.round(FULL * light * (XYZ[1][0] + XYZ[1][1] + XYZ[1][2])) - red[i] - blue[i];
}
for (let i = 0; i <= FULL; i++) {
  const [y, knee] = [i / FULL, TANGENT ** 3];
  fy[i] = Math.cbrt(Math.max(y, knee)) + TOE * (Math.min(y, knee) - knee);
  encoded[i] = Math.floor(255 * (y > 0.0031308 ? 1.055 * y ** (1 / 2.4) - 0.055 : 12.92 * y) + 0.5);
}
encoded[FULL + 1] = 255;

/**
 * Color a band of a photo.
 *
 * @param photo RGB bytes of the band, [rows, width, 3].
 * @param width Of the photo, in pixels.
 * @param height Of the whole photo.
 * @param ab CIELAB a and b of the whole photo, [mapHeight, mapWidth, 2].
 * @param first The band's first row.
 * @param out Where to, of the shape of `photo`; it may be `photo`.
 */
export function join(
  photo: Uint8Array,
  width: number,
  height: number,
  ab: Float32Array,
  mapHeight: number,
  mapWidth: number,
  first: number,
  out: Uint8Array,
): void {
  const left = new Int32Array(width);
  const share = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const place = Math.max(0, Math.min(mapWidth - 1, ((x + 0.5) * mapWidth) / width - 0.5));
    left[x] = 2 * Math.min(Math.floor(place), Math.max(mapWidth - 2, 0));
    share[x] = mapWidth > 1 ? place - left[x] / 2 : 0;
  }
  const [[r0, r1, r2], [g0, g1, g2], [b0, b1, b2]] = RGB;
  const line = new Float32Array(mapWidth * 2 + 2);
  const rows = photo.length / (3 * width);
  for (let y = 0, i = 0; y < rows; y++) {
    const place = Math.max(0, Math.min(mapHeight - 1, ((first + y + 0.5) * mapHeight) / height - 0.5));
    const above = Math.floor(place) * mapWidth * 2;
    const below = Math.min(Math.floor(place) + 1, mapHeight - 1) * mapWidth * 2;
    const down = place - Math.floor(place);
    for (let x = 0; x < mapWidth * 2; x += 2) {
      line[x] = (ab[above + x] + down * (ab[below + x] - ab[above + x])) / 500;
      line[x + 1] = (ab[above + x + 1] + down * (ab[below + x + 1] - ab[above + x + 1])) / -200;
    }
    line[2 * mapWidth] = line[2 * mapWidth - 2];
    line[2 * mapWidth + 1] = line[2 * mapWidth - 1];
    for (let x = 0; x < width; x++, i += 3) {
      const k = left[x];
      const t = share[x];
      const index = red[photo[i]] + green[photo[i + 1]] + blue[photo[i + 2]];
      const Y = index / FULL;
      const f = fy[index];
      const tx = f + line[k] + t * (line[k + 2] - line[k]);
      const tz = f + line[k + 1] + t * (line[k + 3] - line[k + 1]);
      const cx = Math.max(tx, TANGENT);
      const cz = Math.max(tz, TANGENT);
      const X = cx * cx * cx + (tx - cx) / TOE;
      const Z = cz * cz * cz + (tz - cz) / TOE;
      const r = r0 * X + r1 * Y + r2 * Z - Y;
      const g = g0 * X + g1 * Y + g2 * Z - Y;
      const b = b0 * X + b1 * Y + b2 * Z - Y;
      const most = Math.max(r, g, b);
      const least = Math.min(r, g, b);
      let fit = 1;
      if (most > 1 - Y) fit = (1 - Y) / most;
      if (-least > Y && Y < -least * fit) fit = Y / -least;
      out[i] = encoded[((Y + r * fit) * FULL + 0.5) | 0];
      out[i + 1] = encoded[((Y + g * fit) * FULL + 0.5) | 0];
      out[i + 2] = encoded[((Y + b * fit) * FULL + 0.5) | 0];
    }
  }
}
