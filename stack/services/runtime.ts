import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const root = join(import.meta.dirname, '..', '..')

/**
 * Time limit for the start of the runtime, in milliseconds: longer than the minute for which the
 * runtime itself waits for its dependencies before it exits with the reason.
 */
const readyTimeoutMs = 90_000

export interface RuntimeServiceOptions extends ServiceOptions {
  /** The runtime's environment variables, NATS_URL and so on. They override those of this process. */
  env: Record<string, string>
  /** The folder of functions; the project's own by default. */
  functions?: string
  /** Further arguments of `runtime start`. */
  args?: string[]
  /** The name of the service, if there are several; `runtime` by default. */
  name?: string
}

/**
 * Starts a runtime on a folder of functions. It is ready when it serves all functions. It has no URL,
 * and stops by itself when this process exits.
 */
export async function startRuntimeService(options: RuntimeServiceOptions): Promise<ProcessService> {
  const { env, functions = 'functions/', args = [], name = 'runtime' } = options
  return startProcess({
    ...options,
    name,
    isNode: true,
    // The runtime enforces its own limit for draining; SIGKILL is sent only after that.
    stopWithin: Number(env.NATTER_DRAIN_MS ?? process.env.NATTER_DRAIN_MS ?? 10_000) + 5000,
    command: () => ({
      file: process.execPath,
      args: [join(root, 'runtime', 'bin.mjs'), 'start', functions, ...args],
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
