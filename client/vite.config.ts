import { join } from 'node:path'
import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [solid()],
  resolve: { alias: { '@nats-io/nkeys': join(import.meta.dirname, 'no-keys.ts') } },
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'client'),
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    // Inlined, they would be data: URLs, which the page's policy has no place for.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
