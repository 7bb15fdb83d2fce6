/** Colours by name: what people look for, and what a colour is called for those who cannot see it. */

/** Things and the colours that they usually have; the page's words for them are `thing_…`. */
export const THINGS: Readonly<Record<string, string>> = {
  skin_light: '#e3b79b',
  skin_medium: '#bd8560',
  skin_dark: '#7d4f36',
  sky: '#7fb2e5',
  grass: '#6b8f3c',
  brick: '#a5503c',
  wood: '#8f6238',
  denim: '#4a6591',
  khaki: '#a89a6b',
  navy: '#2b3a67',
};

/** Hues by the angle at which they end, in degrees; the page's words for them are `color_…`. */
const HUES: readonly (readonly [number, string])[] = [
  [15, 'red'],
  [42, 'orange'],
  [68, 'yellow'],
  [160, 'green'],
  [195, 'teal'],
  [255, 'blue'],
  [295, 'purple'],
  [342, 'pink'],
  [360, 'red'],
];

/** The word for a colour '#rrggbb', and the word for how light it is, or ''. */
export function nameOf(shade: string): { hue: string; light: string } {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(shade.slice(at, at + 2), 16) / 255);
  const [low, high] = [Math.min(red, green, blue), Math.max(red, green, blue)];
  const spread = high - low;
  const middle = (high + low) / 2;
  const light = middle > 0.72 ? 'light' : middle < 0.3 ? 'dark' : '';
  if (spread < 0.08) return { hue: 'color_gray', light: light && `color_${light}` };
  const sixth =
    high === red ? (green - blue) / spread : high === green ? 2 + (blue - red) / spread : 4 + (red - green) / spread;
  const angle = (60 * sixth + 360) % 360;
  const found = HUES.find(([end]) => angle <= end)?.[1] ?? 'red';
  const brown = (found === 'orange' || found === 'yellow') && (middle < 0.5 || spread < 0.35) && middle < 0.7;
  return { hue: `color_${brown ? 'brown' : found}`, light: light && `color_${light}` };
}
