import { expect, test } from 'vitest';
import { filled } from './filled';

test('a value is taken as it is, whatever it is', () => {
  const name = 'a$$b $& {count}.txt';
  expect(filled('{name}: {count} of {all}', { name, count: 0 })).toBe(`${name}: 0 of {all}`);
});
