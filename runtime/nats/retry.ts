import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isUnavailable } from './unavailable.ts'

const attempts = { max: 30, delayMs: 2_000 }

export async function retryUntilAvailable<T>(
  dependency: string,
  log: Logger,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (error) {
      if (count >= attempts.max || !isUnavailableError(error)) throw error
      const reason = error instanceof Error ? error.message : String(error)
      log.warn({ attempt: count, of: attempts.max, reason }, `${dependency} unavailable, retrying`)
      await sleep(attempts.delayMs)
    }
  }
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
