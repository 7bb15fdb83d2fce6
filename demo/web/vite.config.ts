import { defineConfig } from 'vite';

export default defineConfig({
  base: './', // a Space, or any folder
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0 },
});
