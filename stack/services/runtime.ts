import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const root = join(import.meta.dirname, '..', '..')

/**
 * Longer than the minute after which the runtime itself exits if a dependency is unavailable, so
 * that the runtime's own error is reported.
 */
const readyTimeoutMs = 90_000

export interface RuntimeServiceOptions extends ServiceOptions {
  env: Record<string, string>
  folders?: readonly string[]
  args?: string[]
  name?: string
}

export async function startRuntimeService(options: RuntimeServiceOptions): Promise<ProcessService> {
  const { env, folders = ['functions/', 'apps/'], args = [], name = 'runtime' } = options
  return startProcess({
    ...options,
    name,
    isNode: true,
    // The runtime drains for up to NATTER_DRAIN_MS, and must not be killed during this time.
    stopWithin: Number(env.NATTER_DRAIN_MS ?? process.env.NATTER_DRAIN_MS ?? 10_000) + 5000,
    command: () => ({
      file: process.execPath,
      args: [join(root, 'runtime', 'bin.mjs'), 'start', ...folders, '--no-supervisor', ...args],
      env: { ...process.env, ...env },
      cwd: root,
    }),
    async ready(log, _from, signal, firstMessage) {
      const timeout = setTimeout(readyTimeoutMs, 'timeout' as const, { signal, ref: false })
      if ((await Promise.race([firstMessage, timeout])) === 'timeout')
        throw new Error(`${name} is not ready after ${readyTimeoutMs} ms:\n${log.tail()}`)
      return ''
    },
  })
}
