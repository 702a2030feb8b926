import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { basename, dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import type { Logger } from 'pino'

const functionNames = new AsyncLocalStorage<string>()

/**
 * Returns a resource whose `runInAsyncScope` attaches the function's name to all asynchronous work of
 * a call. One resource for all calls costs a fifth of calling `AsyncLocalStorage.run` in each call.
 */
export function createFunctionScope(name: string): AsyncResource {
  return functionNames.run(name, () => new AsyncResource('NatterFunction'))
}

/**
 * Logs unhandled rejections and uncaught exceptions, with the name of their function if it is known.
 * Calls `onException` after an uncaught exception, because the process may then be in an invalid
 * state.
 */
export function watchFaults(
  log: Logger,
  folders: readonly string[],
  onException: () => void,
): void {
  process.on('unhandledRejection', (reason) => {
    const err = toError(reason)
    log.error({ err, function: findFunction(err, folders) }, 'unhandled rejection')
  })
  process.on('uncaughtException', (thrown: unknown) => {
    const err = toError(thrown)
    log.fatal({ err, function: findFunction(err, folders) }, 'uncaught exception')
    onException()
  })
}

/**
 * Returns an Error for any thrown value, even for an object that cannot be converted to a string.
 */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`thrown: ${typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 1 })}`)
}

function findFunction({ stack = '' }: Error, folders: readonly string[]): string | undefined {
  const name = functionNames.getStore()
  if (name) return name
  for (const [, location = ''] of stack.matchAll(
    /\(?((?:file:\/\/)?\S+?)(?:\?\S*)?:\d+:\d+\)?$/gm,
  )) {
    const path = location.startsWith('file://') ? fileURLToPath(location) : location
    if (folders.includes(dirname(path))) return basename(path, extname(path))
  }
  return undefined
}
