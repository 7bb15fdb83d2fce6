/**
 * The page without a network, and its headers: files with a digest in their names are kept for good, the page itself
 * until there is another. Static hosts send no headers, so the policy that nothing leaves the origin, and the isolation
 * that lets threads share memory, are added here.
 *
 * Another version waits until no tab shows the old one: such a tab may yet need files that the host has no more.
 */

/// <reference lib="webworker" />

import { POLICY } from './policy';

const worker = self as unknown as ServiceWorkerGlobalScope;
const FILES = '__FILES__'.split('|').map((name) => new URL(name, worker.registration.scope).href);
const OWN = `lumachrome-${new URL(worker.registration.scope).pathname}-`; // other pages share the origin
const CACHE = `${OWN}__VERSION__`;
const MODELS = `${OWN}models`;

const isModel = (url: string): boolean => url.includes('/model/');
const isFixed = (url: string): boolean => isModel(url) || url.includes('/assets/');
const cacheOf = (url: string): Promise<Cache> => caches.open(isModel(url) ? MODELS : CACHE);

worker.addEventListener('install', (event) => {
  const first = FILES.filter((url) => url === worker.registration.scope || /\.(css|svg)$|assets\/index-/.test(url));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(first)));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys())
        if (name.startsWith(OWN) && name !== CACHE && name !== MODELS) await takeOver(name);
      const models = await caches.open(MODELS);
      for (const { url } of await models.keys()) if (!FILES.includes(url)) await models.delete(url);
      await worker.clients.claim();
    })(),
  );
});

/** Keep of another version's files what is in this one too, and let go of the rest. */
async function takeOver(name: string): Promise<void> {
  const [old, own] = [await caches.open(name), await caches.open(CACHE)];
  for (const { url } of await old.keys()) {
    const kept = isFixed(url) && FILES.includes(url) ? await old.match(url) : undefined;
    if (kept) await own.put(url, kept);
  }
  await caches.delete(name);
}

// The page says when it has what it needs: then the rest is fetched, so that nothing is missing without a network.
worker.addEventListener('message', (event) => {
  if (event.data !== 'keep all') return;
  const source = event.source;
  event.waitUntil(
    (async () => {
      for (const url of FILES) {
        const cache = await cacheOf(url);
        if (!(await cache.match(url))) await cache.add(url);
      }
      source?.postMessage('all kept');
    })(),
  );
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = request.url.split(/[?#]/)[0];
  if (request.method !== 'GET' || !url.startsWith(worker.registration.scope)) return;
  event.respondWith(
    (async () => {
      const cache = await cacheOf(url);
      const kept = isFixed(url) ? await cache.match(url) : undefined;
      if (kept) return guarded(kept);
      try {
        const response = await fetch(request);
        if (response.status === 200) event.waitUntil(cache.put(url, response.clone()));
        return guarded(response);
      } catch (error) {
        const found = await cache.match(url);
        if (found) return guarded(found);
        throw error;
      }
    })(),
  );
});

function guarded(response: Response): Response {
  if (response.status === 0 || response.status === 304) return response;
  const headers = new Headers(response.headers);
  headers.set('Content-Security-Policy', POLICY);
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Resource-Policy', 'cross-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
