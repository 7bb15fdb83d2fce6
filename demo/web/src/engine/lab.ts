/** sRGB to CIELAB a and b, as scikit-image has it; for the palette of a photo that has colors of its own. */

// D65, 2 degrees: what white is, and the primaries of sRGB, each line divided by it.
const XYZ = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];
const WHITE = [0.95047, 1, 1.08883];
const LIGHT = Float64Array.from({ length: 256 }, (_, i) =>
  i > 0.04045 * 255 ? ((i / 255 + 0.055) / 1.055) ** 2.4 : i / 255 / 12.92,
);

const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);

/** a and b [n, 2] of RGB bytes [n, 3]. */
export function abOf(pixels: Uint8Array): Float32Array {
  const out = new Float32Array((pixels.length / 3) * 2);
  for (let i = 0, j = 0; i < pixels.length; i += 3, j += 2) {
    const [r, g, b] = [LIGHT[pixels[i]], LIGHT[pixels[i + 1]], LIGHT[pixels[i + 2]]];
    const [x, y, z] = XYZ.map(([red, green, blue], c) => f((red * r + green * g + blue * b) / WHITE[c]));
    out[j] = 500 * (x - y);
    out[j + 1] = 200 * (y - z);
  }
  return out;
}
