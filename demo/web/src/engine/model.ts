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
    whole.set(content, at);
    at += content.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  const hex = [...digest].map((value) => value.toString(16).padStart(2, '0')).join('');
  if (hex !== sha256) {
    await caches?.keys().then((names) => Promise.all(names.map((name) => caches.delete(name)))); // none of it can be right
    throw new PhotoError('model_damaged');
  }
  return whole;
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
