/** Files of color hints, as lumachrome/hints.py writes and reads them: the page of either kind and the program share them. */

import { hint_file_bytes as MOST_BYTES, most_hints as MOST_HINTS } from '../src/adjustments.json';
import type { Hint } from '../src/engine/adjustments';

/** The hints of a photo as a file, which has its name. */
export function hintFile(photo: string, hints: readonly Hint[]): File {
  const text = JSON.stringify({ photo, hints }, null, 1);
  return new File([text], `${photo.replace(/\.[^.]+$/, '') || 'photo'}-hints.json`, { type: 'application/json' });
}

/** What hints a file holds; null where it holds none, or what are no hints. */
export async function hintsOf(file: Blob): Promise<readonly Hint[] | null> {
  try {
    const { hints } = JSON.parse(await file.slice(0, MOST_BYTES).text()) as { hints: readonly Hint[] };
    const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;
    const fits = hints.every(({ x, y, color }) => isShare(x) && isShare(y) && /^#[0-9a-f]{6}$/i.test(color));
    if (!fits || !hints.length || hints.length > MOST_HINTS) return null;
    return hints.map(({ x, y, color }) => ({ x, y, color }));
  } catch {
    return null;
  }
}
