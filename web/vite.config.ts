import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The built files go beside the binary's build tree, never into the sources. MILLRACE_URL: a running server, for `npm run dev`.
export default defineConfig({
  base: '/ui/',
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  plugins: [react()],
  // The server puts a fresh nonce in its place with each answer (Mantine adds style elements).
  html: { cspNonce: '__MILLRACE_NONCE__' },
  build: {
    outDir: process.env.MILLRACE_WEB_OUT ?? '../build/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
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
