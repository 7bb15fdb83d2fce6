/**
 * The page without a network, and its headers: files with a digest in their names are kept for good, the page itself
 * until there is another. Static hosts send no headers, so the policy that nothing leaves the origin, and the isolation
 * that lets threads share memory, are added here.
 */

/// <reference lib="webworker" />

const worker = self as unknown as ServiceWorkerGlobalScope;
const FILES = '__FILES__'.split('|');
const CACHE = 'lumachrome-__VERSION__';
const MODELS = 'lumachrome-models';
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const isModel = (path: string): boolean => path.includes('/model/');

worker.addEventListener('install', (event) => {
  const first = FILES.filter((name) => name === './' || /\.(css|svg|webmanifest)$|assets\/index-/.test(name));
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(first))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE && name !== MODELS) await caches.delete(name);
      await worker.clients.claim();
    })(),
  );
});

// The page says when it has what it needs: then the rest is fetched, so that nothing is missing without a network.
worker.addEventListener('message', (event) => {
  if (event.data !== 'keep all') return;
  const source = event.source;
  event.waitUntil(
    (async () => {
      for (const name of FILES) {
        const url = new URL(name, worker.registration.scope).href;
        const cache = await caches.open(isModel(url) ? MODELS : CACHE);
        if (!(await cache.match(url))) await cache.add(url);
      }
      const models = await caches.open(MODELS);
      const current = new Set(FILES.map((name) => new URL(name, worker.registration.scope).href));
      for (const { url } of await models.keys()) if (!current.has(url)) await models.delete(url);
      source?.postMessage('all kept');
    })(),
  );
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = request.url.split(/[?#]/)[0];
  if (request.method !== 'GET' || !path.startsWith(worker.registration.scope)) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(isModel(path) ? MODELS : CACHE);
      const isFixed = isModel(path) || path.includes('/assets/');
      const kept = isFixed ? await cache.match(path) : undefined;
      if (kept) return guarded(kept);
      try {
        const response = await fetch(request);
        if (response.ok && response.status === 200) event.waitUntil(cache.put(path, response.clone()));
        return guarded(response);
      } catch (error) {
        const found = await cache.match(path);
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
