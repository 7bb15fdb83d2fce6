/** The network's file, as vite.config.ts cuts it. */
declare module 'virtual:model' {
  export const sha256: string;
  export const bytes: number;
  /** Addresses beside the page. */
  export const pieces: readonly string[];
}

declare module 'libheif-js/libheif-wasm/libheif-bundle.mjs';
