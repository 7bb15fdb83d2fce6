/** Builds the custom elements as one script for the Gradio page, which needs no Node: npm run build-components. */

import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2022',
    outDir: '../page/static',
    emptyOutDir: false,
    lib: { entry: 'components/index.ts', formats: ['iife'], name: 'Lumachrome', fileName: () => 'components.js' },
  },
});
