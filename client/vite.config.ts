import { join } from 'node:path'
import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'
import { firstLoad } from './build/firstLoad.ts'
import { natsCoreFiles } from './build/natsCoreFiles.ts'
import { preloaded } from './build/preloaded.ts'
import { stripRenderer } from './build/stripRenderer.ts'
import { stripValidation } from './build/stripValidation.ts'
import { workerFiles } from './build/workerFiles.ts'

const theme = join(import.meta.dirname, 'theme')
const app = join(import.meta.dirname, 'app', 'AuthenticatedApp.tsx')

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    solid(),
    stripValidation(),
    stripRenderer(),
    preloaded(app),
    workerFiles(),
    natsCoreFiles(),
  ],
  resolve: {
    alias: [
      {
        find: '@nats-io/nkeys',
        replacement: join(import.meta.dirname, 'build', 'stubs', 'nkeys.ts'),
      },
      {
        find: /^\.\/bench$/,
        replacement: join(import.meta.dirname, 'build', 'stubs', 'nats-bench.ts'),
      },
    ],
  },
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'client'),
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    // Assets are not inlined, because the page's Content-Security-Policy does not allow `data:`
    // URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Fails the build on an undefined import, which otherwise would throw only in the browser.
      onLog(level, log, report) {
        if (log.code === 'IMPORT_IS_UNDEFINED') throw new Error(log.message)
        report(level, log)
      },
      input: {
        index: join(import.meta.dirname, 'index.html'),
        worker: join(import.meta.dirname, 'service-worker', 'worker.ts'),
      },
      output: {
        codeSplitting: { groups: [{ name: firstLoad(app, { name: 'chat', theme }) }] },
        // The service worker's name has no hash, because its URL must be the same in each build.
        entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
})
