/**
 * The network's file, fetched in pieces: what has come is kept (by the service worker's cache, under names that hold its
 * digest), so that a visitor whose connection breaks begins where it broke.
 */

import { bytes, pieces, sha256 } from 'virtual:model';

import { PhotoError } from './photo';

const TRIES = 3;

/** The whole file, or a PhotoError. `progress` is given the share that has come. */
export async function fetchModel(base: string, progress: (share: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    const content = await fetched(new URL(piece, base), (got) => progress((at + got) / bytes));
    whole.set(content.subarray(0, bytes - at), at);
    at += content.length;
  }
  if (at !== bytes || !(await isSound(whole))) {
    await forget(base); // nobody knows which piece it is
    throw new PhotoError('model_damaged');
  }
  return whole;
}

/** Browsers have digests, as they have caches, only where nobody on the way can change a page: not over plain HTTP. */
async function isSound(whole: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (!('subtle' in crypto)) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  return [...digest].map((value) => value.toString(16).padStart(2, '0')).join('') === sha256;
}

/** Forget the pieces that are kept, and nothing else: other pages of the same host keep things there too. */
async function forget(base: string): Promise<void> {
  if (!('caches' in self)) return;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const piece of pieces) await cache.delete(new URL(piece, base));
  }
}

async function fetched(url: URL, progress: (got: number) => void): Promise<Uint8Array> {
  for (let tried = 1; ; tried++) {
    try {
      const response = await fetch(url);
      if (!response.ok || !response.body) throw new Error(String(response.status));
      const parts: Uint8Array[] = [];
      let got = 0;
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        got += value.length;
        progress(got);
      }
      return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
    } catch {
      if (tried === TRIES) throw new PhotoError('model_missing');
      await new Promise((done) => setTimeout(done, 500 * tried));
    }
  }
}
