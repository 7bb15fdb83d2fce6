import { expect, test } from 'vitest';
import { nameOf, THINGS } from './colors';

test.each([
  ['#808080', 'color_gray', ''],
  ['#101010', 'color_gray', 'color_dark'],
  ['#c01020', 'color_red', ''],
  ['#8b5a2b', 'color_brown', ''],
  ['#7fb2e5', 'color_blue', ''],
  ['#b3d4f0', 'color_blue', 'color_light'],
  ['#2b3a67', 'color_blue', 'color_dark'],
  ['#4a7a30', 'color_green', ''],
  ['#2a4a1c', 'color_green', 'color_dark'],
  ['#ff80c0', 'color_pink', 'color_light'],
])('%s is %s', (shade, hue, light) => {
  expect(nameOf(shade)).toEqual({ hue, light });
});

test('things have colours that are written as hints have them', () => {
  expect(Object.values(THINGS).every((shade) => /^#[0-9a-f]{6}$/.test(shade))).toBe(true);
});
