/** The page's end of its worker. */

import { afterEach, describe, expect, test, vi } from 'vitest';

import { Cancelled, Engine } from '../src/engine/client';
import { Stand } from './stand';

vi.mock('../src/engine/worker?worker', async () => ({ default: (await import('./stand')).Stand }));

afterEach(() => {
  vi.unstubAllGlobals();
  Stand.all = [];
  Stand.most = 1;
});

function engine(threads = 1): Engine {
  vi.stubGlobal('document', { baseURI: 'https://here/' });
  vi.stubGlobal('navigator', { hardwareConcurrency: threads });
  return new Engine();
}
const photo = (name: string) => ({ file: new Blob([name]) });
const look = { adjustments: {} as never };

describe('A worker', () => {
  test('that cannot have threads is followed by one without, and by no other', async () => {
    const asked = engine(4);
    const { threads } = await asked.start();
    await asked.ask('open', photo('a'));
    expect(threads).toBe(1);
    expect(Stand.all.map(({ isOver }) => isOver)).toEqual([true, false]);
  });

  test('that ends is followed by one with the same photo, whose picture is not kept', async () => {
    const asked = engine();
    await asked.ask('open', photo('a'));
    Stand.all[0].onerror({ preventDefault: () => undefined });
    expect(await asked.ask('look', look)).toEqual({ after: 'a' });
    const [first, second] = Stand.all;
    expect([first.isOver, second.isOver, second.asked]).toEqual([true, false, ['start', 'open', 'look']]);
    expect([first.closed, second.closed]).toEqual([0, 1]);
  });

  test('that is stopped while it starts leaves nothing behind', async () => {
    const asked = engine(4);
    const [first, second] = [asked.ask('open', photo('a')), asked.ask('look', look)];
    await Promise.resolve();
    asked.stop();
    await expect(first).rejects.toThrow(Cancelled);
    await expect(second).rejects.toThrow(Cancelled);
    expect(Stand.all.filter(({ isOver }) => !isOver)).toEqual([]);
    await asked.ask('open', photo('b'));
    expect(Stand.all.filter(({ isOver }) => !isOver).length).toBe(1);
  });
});

describe('A photo', () => {
  test('stays open when one that was chosen before it had opened is damaged', async () => {
    const asked = engine();
    const opening = asked.ask('open', photo('a'));
    const damaged = asked.ask('open', photo('damaged'));
    await opening;
    const looked = asked.ask('look', look);
    await expect(damaged).rejects.toThrow('file_damaged');
    expect(await looked).toEqual({ after: 'a' });
    expect(await asked.ask('look', look)).toEqual({ after: 'a' });
    expect(Stand.all[0].asked).toEqual(['start', 'open', 'open', 'open', 'look', 'look']);
  });
});
