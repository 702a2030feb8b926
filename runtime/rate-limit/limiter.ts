import { LRUCache } from 'lru-cache'
import type { Limit } from '../api/define.ts'
import { FunctionError } from '../api/errors.ts'
import type { SharedCounter } from './counter.ts'

/**
 * While the shared counters are unavailable, each process counts its own calls (`allow`), or
 * rejects calls with `unavailable` (`block`).
 */
export type LimitFallback = 'allow' | 'block'

export interface LimiterOptions {
  counter: SharedCounter
  service: string
  limit: Limit
  fallback: LimitFallback
}

interface Account {
  /** The current window: the number of whole windows since the epoch. */
  window: number
  /** Calls that the shared counter has granted to this process and that are still unused. */
  granted: number
  /**
   * Calls that the last request to the counter granted. The next request asks for at least twice
   * that, but not for more than `maxBatchShare` of the limit.
   */
  batch: number
  /**
   * Calls of all processes in the previous window; undefined until the shared counter has been
   * read.
   */
  before: number | undefined
  used: number
  usedBefore: number
  blockedUntil: number
  waiting: number
  request: Promise<void> | undefined
}

/**
 * The largest share of a limit that one request to the shared counter may reserve. Other processes
 * cannot use the reserved calls, even if this process does not use them either.
 */
const maxBatchShare = 1 / 20

/**
 * Limits the calls that each caller makes to all instances together in a sliding window. Calls are
 * counted in fixed windows. For example, if the sliding window still covers a third of the previous
 * fixed window, a third of the calls in that window count.
 *
 * A process reserves several calls at once by adding them to the shared counter, so that most calls
 * need no round trip. If the reserved calls exceed the limit, it subtracts the excess from the
 * counter.
 */
export class Limiter {
  readonly #options: LimiterOptions
  // Uses `maxSize` instead of the option `max` of LRUCache, which would allocate more than a
  // megabyte for each function when the cache is created.
  readonly #accounts = new LRUCache<string, Account>({
    maxSize: 50_000,
    sizeCalculation: () => 1,
  })

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /**
   * Returns undefined if the call may run now, otherwise a promise that resolves when it may run.
   * Throws `rate_limited`, or rejects the promise with it, if the caller has exceeded the limit.
   */
  take(caller: string): undefined | Promise<void> {
    const now = Date.now()
    const account = this.#accountOf(caller, now)
    return this.#use(account, now) ? undefined : this.#wait(caller, account)
  }

  #accountOf(caller: string, now: number): Account {
    const window = Math.floor(now / this.#options.limit.windowMs)
    let account = this.#accounts.get(caller)
    if (!account) {
      account = {
        window,
        granted: 0,
        batch: 0,
        before: undefined,
        used: 0,
        usedBefore: 0,
        blockedUntil: 0,
        waiting: 0,
        request: undefined,
      }
      this.#accounts.set(caller, account)
    } else if (account.window !== window) {
      account.usedBefore = window === account.window + 1 ? account.used : 0
      account.used = 0
      account.window = window
      account.granted = 0
      account.batch = 0
      account.before = undefined
    }
    return account
  }

  #use(account: Account, now: number): boolean {
    if (now < account.blockedUntil) throw rateLimited(account.blockedUntil - now)
    if (account.granted === 0) return false
    account.granted--
    account.used++
    return true
  }

  async #wait(caller: string, account: Account): Promise<void> {
    account.waiting++
    try {
      do {
        account.request ??= this.#requestBatch(caller, account).finally(() => {
          account.request = undefined
        })
        await account.request
        this.#accountOf(caller, Date.now())
      } while (!this.#use(account, Date.now()))
    } finally {
      account.waiting--
    }
  }

  async #requestBatch(caller: string, account: Account): Promise<void> {
    const { counter, limit, service, fallback } = this.#options
    const { window } = account
    const maxBatch = Math.max(1, Math.ceil(limit.max * maxBatchShare))
    const batch = Math.min(maxBatch, Math.max(1, account.batch * 2, account.waiting))
    const subjectOf = (at: number) => `limit.${service}.${caller}.${at}`
    try {
      const [total, before] = await Promise.all([
        counter.add(subjectOf(window), batch),
        account.before ?? counter.read(subjectOf(window - 1)),
      ])
      // The next window began during the request. The calls were granted for the old window, so
      // they cannot be used.
      if (account.window !== window) return
      account.before = before
      const free = this.#free(total - batch, before)
      const granted = Math.min(batch, free)
      account.granted += granted
      account.batch = granted
      if (granted < batch) counter.add(subjectOf(window), granted - batch).catch(() => undefined)
      if (granted === 0) account.blockedUntil = this.#freeAt(total - batch, before)
    } catch {
      if (fallback === 'block')
        throw new FunctionError(
          'unavailable',
          'The rate limit cannot be checked at the moment; try again',
          {
            retryAfterMs: 1_000,
          },
        )
      const { used, usedBefore } = account
      account.granted = Math.min(account.waiting, this.#free(used, usedBefore))
      if (account.granted === 0) account.blockedUntil = this.#freeAt(used, usedBefore)
    }
  }

  #free(used: number, before: number): number {
    const { max, windowMs } = this.#options.limit
    const passed = (Date.now() % windowMs) / windowMs
    return Math.max(0, Math.floor(max - used - before * (1 - passed)))
  }

  #freeAt(used: number, before: number): number {
    const { max, windowMs } = this.#options.limit
    const start = Math.floor(Date.now() / windowMs) * windowMs
    // Returns the share of a window that must pass until the `carried` calls of the previous window
    // count as at most `room` calls.
    const share = (room: number, carried: number) => 1 - room / Math.max(carried, 1)
    const at =
      used <= max - 1
        ? start + windowMs * share(max - 1 - used, before)
        : start + windowMs * (1 + Math.max(0, share(max - 1, used)))
    return Math.max(Date.now() + 1, Math.ceil(at))
  }
}

function rateLimited(ms: number) {
  return new FunctionError('rate_limited', 'Too many calls; try again later', {
    retryAfterMs: Math.ceil(ms),
  })
}
