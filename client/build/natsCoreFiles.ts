import { join } from 'node:path'
import type { Plugin } from 'vite'

/**
 * Replaces the index of @nats-io/nats-core by the files that the page uses. Not in development,
 * because Vite's server converts packages from CommonJS only as a whole.
 */
export function natsCoreFiles(): Plugin {
  const replacement = join(import.meta.dirname, 'stubs', 'nats-core.ts')
  return {
    name: 'nats-core-files',
    apply: 'build',
    config: () => ({ resolve: { alias: [{ find: /^@nats-io\/nats-core$/, replacement }] } }),
  }
}
