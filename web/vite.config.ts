import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// The first script of the page: it asks for data while the others load. Vite would join it with them.
const early: Plugin = {
  name: 'early',
  transformIndexHtml: {
    order: 'post',
    handler(_html, { bundle }) {
      const chunk = Object.values(bundle ?? {}).find((each) => each.type === 'chunk' && each.name === 'early');
      if (!chunk) return [];
      return [
        {
          tag: 'script',
          attrs: { type: 'module', async: true, src: `/ui/${chunk.fileName}` },
          injectTo: 'head-prepend',
        },
      ];
    },
  },
};

// The built files go beside the binary's build tree, never into the sources. MILLRACE_URL: a running server, for `npm run dev`.
export default defineConfig({
  base: '/ui/',
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  plugins: [react(), early],
  // The server puts a fresh nonce in its place with each answer (Mantine adds style elements).
  html: { cspNonce: '__MILLRACE_NONCE__' },
  build: {
    outDir: process.env.MILLRACE_WEB_OUT ?? '../build/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: ['index.html', 'src/early.ts'],
      // What every page needs is one file: thirty small ones pack badly and are asked for one by one.
      output: {
        codeSplitting: { groups: [{ name: 'first', tags: ['$initial'], test: (id) => !id.endsWith('/early.ts') }] },
      },
    },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700, // KB, unpacked; what travels is measured by tests/budget.test.mjs
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/ajax-api', '/get-artifact', '/v2', '/metrics', '/health'].map((path) => [
        path,
        process.env.MILLRACE_URL ?? 'http://127.0.0.1:8080',
      ]),
    ),
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
});
