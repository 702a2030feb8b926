import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { createPassword } from '../secrets.ts'
import { nodeArgs } from './node.ts'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const main = join(import.meta.dirname, 'pglite-main.ts')

export interface PgliteOptions extends ServiceOptions {
  port?: number | undefined
  password?: string
}

export async function startPglite(options: PgliteOptions): Promise<ProcessService> {
  const port = options.port ?? (await freePort())
  const password = options.password ?? createPassword()
  return startProcess({
    ...options,
    name: 'pglite',
    isNode: true,
    // Longer than the default, because PGlite answers no ping while it executes a statement.
    hungAfterMs: 20_000,
    command: () => ({
      file: process.execPath,
      args: nodeArgs(main),
      env: {
        ...process.env,
        PGLITE_DIR: join(options.dir, 'pglite'),
        PGLITE_PORT: String(port),
        PGLITE_PASSWORD: password,
      },
    }),
    async ready(log, from, signal) {
      await log.line(/^\{"ready":true/, { from, signal, within: 60_000 })
      return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    },
  })
}
