import { expect, test } from 'vitest';
import { hintFile, hintsOf } from './hintfile';

const HINT = { x: 0.5, y: 0.25, color: '#4060c0' };

test('what is written is read, and named after the photo', async () => {
  const file = hintFile('summer.1931.png', [HINT]);
  expect(file.name).toBe('summer.1931-hints.json');
  expect(await hintsOf(file)).toEqual([HINT]);
});

test('what holds no hints gives none', async () => {
  const hints = (given: unknown): string => JSON.stringify({ photo: '', hints: given });
  for (const text of [
    '',
    'null',
    hints([]),
    hints('#ff0000'),
    hints([{ ...HINT, x: 2 }]),
    hints([{ ...HINT, x: '0.5' }]),
    hints([{ ...HINT, color: 'red' }]),
    hints(Array(201).fill(HINT)),
  ]) {
    expect(await hintsOf(new Blob([text]))).toBe(null);
  }
});
