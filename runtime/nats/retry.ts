import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { describeCauses, isUnavailable } from './unavailable.ts'

const attempts = { max: 30, delayMs: 2_000 }

/** The dependencies that the start of a runtime waits for, in parallel. */
export class Dependencies implements Disposable {
  readonly #log: Logger
  readonly #stopped = new AbortController()
  #available = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * Calls `attempt` again while it fails because the dependency is unavailable. Throws the error of
   * the 30th attempt, which is made after about one minute, and any other error at once. When
   * another dependency becomes available meanwhile, the count starts again at 1.
   */
  async wait<T>(dependency: string, attempt: () => Promise<T>): Promise<T> {
    for (let count = 1, available = this.#available; ; count++) {
      try {
        const result = await attempt()
        this.#available++
        return result
      } catch (error) {
        if (available !== this.#available) count = 1
        available = this.#available
        if (count >= attempts.max || !isUnavailableError(error)) throw error
        const details = { attempt: count, of: attempts.max, reason: describeCauses(error) }
        this.#log.warn(details, `${dependency} unavailable, retrying`)
        await sleep(attempts.delayMs, undefined, { signal: this.#stopped.signal })
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stopped.abort()
  }
}

/** Like `Dependencies.wait`, for a caller that waits for only one dependency. */
export function retryUntilAvailable<T>(
  dependency: string,
  log: Logger,
  attempt: () => Promise<T>,
): Promise<T> {
  return new Dependencies(log).wait(dependency, attempt)
}

/**
 * The errors of nats.js for an unavailable server or JetStream, and for a stream that the server has lost
 * in a restart.
 */
const unavailableErrorNames = [
  'ConnectionError',
  'ConsumerNotFoundError',
  'JetStreamNotEnabled',
  'NoResponders',
  'RequestError',
  'StreamNotFoundError',
  'TimeoutError',
]

function isUnavailableError(error: unknown) {
  return (
    isUnavailable(error) || (error instanceof Error && unavailableErrorNames.includes(error.name))
  )
}
