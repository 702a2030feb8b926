import { LRUCache } from 'lru-cache'
import type { Limit } from '../api/define.ts'
import { FunctionError } from '../api/errors.ts'
import type { SharedCounter } from './counter.ts'

/** What becomes of a call when the shared counters are away: counted locally alone, or refused. */
export type LimitFallback = 'allow' | 'block'

export interface LimiterOptions {
  counter: SharedCounter
  /** The function's service: it stands in the counters' subjects. */
  service: string
  limit: Limit
  fallback: LimitFallback
}

/** What one process knows of one caller. */
interface Account {
  /** The window this is about, counted since the epoch. */
  window: number
  /** Calls that the shared counter has already granted to this process. */
  granted: number
  /** How many were asked for last; doubles as long as all are granted. */
  batch: number
  /** What all processes used in the window before; undefined until it has been read. */
  before: number | undefined
  /** What this process let through, now and in the window before. */
  used: number
  usedBefore: number
  /** Nobody needs to ask before this time, in milliseconds since the epoch. */
  blockedUntil: number
  waiting: number
  asking: Promise<void> | undefined
}

/** How much of a limit one process may hold at a time: with many, some of it lies idle. */
const maxBatchShare = 1 / 20

/**
 * Lets each caller do so much in a sliding window, over all instances together. The window before
 * counts for as much of it as still lies within the window that ends now. A process asks for several
 * calls at a time, so that most need no round trip, and gives back what was over the limit.
 */
export class Limiter {
  readonly #options: LimiterOptions
  readonly #accounts = new LRUCache<string, Account>({ max: 50_000 })

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** Undefined when the call may go on at once. Throws, or rejects with, `rate_limited`. */
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
        asking: undefined,
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

  /** Whether there was a granted call left. Throws when there can be none yet. */
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
        account.asking ??= this.#ask(caller, account).finally(() => {
          account.asking = undefined
        })
        await account.asking
        this.#accountOf(caller, Date.now())
      } while (!this.#use(account, Date.now()))
    } finally {
      account.waiting--
    }
  }

  async #ask(caller: string, account: Account): Promise<void> {
    const { counter, limit, service, fallback } = this.#options
    const { window } = account
    const most = Math.max(1, Math.ceil(limit.max * maxBatchShare))
    const batch = Math.min(most, Math.max(1, account.batch * 2, account.waiting))
    const subjectOf = (at: number) => `limit.${service}.${caller}.${at}`
    try {
      const [total, before] = await Promise.all([
        counter.add(subjectOf(window), batch),
        account.before ?? counter.read(subjectOf(window - 1)),
      ])
      // The window went by while we asked: what it granted is void.
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
        throw new FunctionError('unavailable', 'Rate limits cannot be checked now; try again', {
          retryAfterMs: 1_000,
        })
      const { used, usedBefore } = account
      account.granted = Math.min(account.waiting, this.#free(used, usedBefore))
      if (account.granted === 0) account.blockedUntil = this.#freeAt(used, usedBefore)
    }
  }

  /** How many more fit into the window that ends now. */
  #free(used: number, before: number): number {
    const { max, windowMs } = this.#options.limit
    const passed = (Date.now() % windowMs) / windowMs
    return Math.max(0, Math.floor(max - used - before * (1 - passed)))
  }

  /** When the next one fits. */
  #freeAt(used: number, before: number): number {
    const { max, windowMs } = this.#options.limit
    const start = Math.floor(Date.now() / windowMs) * windowMs
    // So much of a window must have passed for what was used before it to leave room for one.
    const share = (room: number, carried: number) => 1 - room / Math.max(carried, 1)
    const at =
      used <= max - 1
        ? start + windowMs * share(max - 1 - used, before)
        : start + windowMs * (1 + Math.max(0, share(max - 1, used)))
    return Math.max(Date.now() + 1, Math.ceil(at))
  }
}

function rateLimited(ms: number) {
  return new FunctionError('rate_limited', 'Too many calls; wait a little', {
    retryAfterMs: Math.ceil(ms),
  })
}
