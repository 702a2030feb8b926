import { LRUCache } from 'lru-cache'

const freeAttempts = 5
const maxWaitSeconds = 60
const forgetAfterMs = 15 * 60_000

/** Thrown for a login before the waiting time has passed. The password was not checked. */
export class TooManyAttempts extends Error {
  override name = 'TooManyAttempts'
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(`Too many failed attempts. Try again in ${retryAfterSeconds} s.`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface Throttle {
  check(username: string): void
  failed(username: string): void
  succeeded(username: string): void
}

/**
 * Slows down password guessing. After the fifth failure for a user name, the next attempt has to
 * wait 1 s. Each further failure doubles the waiting time, up to a minute. The same applies to
 * names that do not exist.
 */
export function createThrottle(): Throttle {
  const failures = new LRUCache<string, { count: number; nextAt: number }>({
    max: 10_000,
    ttl: forgetAfterMs,
  })
  return {
    check(username) {
      const waitMs = (failures.get(username)?.nextAt ?? 0) - performance.now()
      if (waitMs > 0) throw new TooManyAttempts(Math.ceil(waitMs / 1000))
    },
    failed(username) {
      const count = (failures.get(username)?.count ?? 0) + 1
      const waitSeconds =
        count < freeAttempts ? 0 : Math.min(maxWaitSeconds, 2 ** (count - freeAttempts))
      failures.set(username, { count, nextAt: performance.now() + waitSeconds * 1000 })
    },
    succeeded: (username) => void failures.delete(username),
  }
}
