/** Builds the static page: the network in pieces beside it, and a service worker that knows all files. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import { POLICY } from './src/policy.ts';

const MODEL = new URL('../../lumachrome/models/lumachrome.onnx', import.meta.url);
const PIECE = 4 << 20;
const ENGINE = /src\/(engine\/(?!worker)|files\/(?!tiff))/; // what the worker has from the start, but for its own file

/** `virtual:model`: the digest, the size and the pieces of the network's file. */
function model(): Plugin {
  const bytes = readFileSync(MODEL);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const count = Math.ceil(bytes.length / PIECE);
  const pieces = Array.from({ length: count }, (_, i) => `model/${sha256.slice(0, 12)}-${i}.bin`);
  const id = 'virtual:model';
  return {
    name: 'model',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (source) =>
      source === `\0${id}`
        ? Object.entries({ sha256, bytes: bytes.length, pieces })
            .map(([key, value]) => `export const ${key} = ${JSON.stringify(value)};`)
            .join('\n')
        : null,
    generateBundle() {
      if (this.environment.config.isWorker) return;
      pieces.forEach((fileName, i) => {
        this.emitFile({ type: 'asset', fileName, source: bytes.subarray(i * PIECE, (i + 1) * PIECE) });
      });
    },
  };
}

/** Leaves out 178 kB with which geotiff would decode compressions that src/files/tiff.ts refuses. */
function withoutUnused(): Plugin {
  const id = '\0unused';
  return {
    name: 'without-unused',
    enforce: 'pre',
    resolveId: (source, importer) =>
      importer?.includes('/geotiff/') && /\/(lerc|zstd|webimage)\.js$/.test(source) ? id : null,
    load: (source) => (source === id ? 'export default null;' : null),
  };
}

/** Tells the service worker what there is to keep: at once what the page shows, later all else. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk') return;
      const names = Object.keys(bundle).filter((name) => name !== 'sw.js' && !name.endsWith('.map'));
      const files = names.map((name) => (name === 'index.html' ? './' : name));
      const version = createHash('sha256')
        .update(JSON.stringify([files, String((bundle['index.html'] as { source?: unknown })?.source)]))
        .digest('hex')
        .slice(0, 12);
      worker.code = worker.code.replace('__FILES__', () => files.join('|')).replace('__VERSION__', version);
    },
  };
}

/** The page's own policy, for the first visit, when no service worker sends it yet. */
function policy(): Plugin {
  const attrs = { 'http-equiv': 'Content-Security-Policy', content: POLICY };
  return {
    name: 'policy',
    apply: 'build',
    transformIndexHtml: () => [{ tag: 'meta', attrs, injectTo: 'head-prepend' }],
  };
}

export default defineConfig({
  base: './', // a Space, or any folder
  plugins: [model(), withoutUnused(), policy(), serviceWorker()],
  worker: {
    format: 'es',
    plugins: () => [model(), withoutUnused()],
    // Nobody may import the worker's own file: WebKit would run it again, and what it holds would be gone.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'engine', test: ENGINE }] } } },
  },
  // Not the bundle with its WebAssembly inside: its threads would start from our own worker, and run it again.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser'] },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/sw.ts' },
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  preview: {
    host: '127.0.0.1',
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
});
