/** How the network's file is fetched and kept, with stand-ins for the network and the caches. */

import { pieces } from 'virtual:model';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { fetchModel } from '../src/engine/model';

vi.mock('virtual:model', () => ({
  bytes: 3,
  sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81', // of 1, 2, 3
  pieces: ['model/a-0.bin', 'model/a-1.bin'],
}));

afterEach(() => void vi.unstubAllGlobals());

describe('The network', () => {
  const [first, second] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const serve = (...contents: Uint8Array<ArrayBuffer>[]) => {
    const found = (url: URL) => contents[pieces.findIndex((piece) => url.href.endsWith(piece))];
    vi.stubGlobal('fetch', async (url: URL) => new Response(found(url)));
  };

  test('comes in pieces', async () => {
    serve(first, second);
    const shares: number[] = [];
    expect([...(await fetchModel('https://here/', (share) => shares.push(share)))]).toEqual([1, 2, 3]);
    expect(shares.at(-1)).toBe(1);
  });

  test('that is damaged is forgotten, and nothing that is not its own', async () => {
    const deleted: string[] = [];
    const cache = (name: string) => ({ delete: async (url: URL) => deleted.push(`${name} ${url.pathname}`) });
    vi.stubGlobal('self', globalThis);
    vi.stubGlobal('caches', {
      keys: async () => ['other-app-v1', 'lumachrome-models'],
      open: async (name: string) => cache(name),
      delete: async (name: string) => deleted.push(name),
    });
    serve(first, Uint8Array.of(4));
    await expect(fetchModel('https://here/lab/', () => undefined)).rejects.toThrow('model_damaged');
    expect(deleted.filter((each) => !/ \/lab\/model\/a-\d\.bin$/.test(each))).toEqual([]);
    expect(deleted).toContain('lumachrome-models /lab/model/a-1.bin');
  });

  test.each([[[1, 2, 3, 4]], [[]]])('of another length is damaged, over plain HTTP too: %j', async (content) => {
    vi.stubGlobal('self', {}); // neither caches nor digests are declared there
    vi.stubGlobal('crypto', {});
    serve(first, Uint8Array.from(content));
    await expect(fetchModel('http://here/', () => undefined)).rejects.toThrow('model_damaged');
    serve(first, second);
    expect([...(await fetchModel('http://here/', () => undefined))]).toEqual([1, 2, 3]);
  });
});
