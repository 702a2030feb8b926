import { FunctionError } from '../api/errors.ts'
import { SlotPool } from '../client/slot-pool.ts'
import { type CallerLimits, FairQueue } from './fair-queue.ts'
import { FunctionStats } from './stats.ts'

export interface Job {
  readonly caller: string
  /** The deadline, by `performance.now()`. */
  readonly until: number
  slot: number
  /**
   * Runs the handler. Never throws. Returns true if the handler finished synchronously, otherwise calls
   * `ended` when it finishes.
   */
  run(ended: (job: Job) => void): boolean
  /**
   * Called for a job that must wait in the queue. Counts the job towards the caller's rate limit,
   * and rejects it if the limit is exceeded. Returns false if the job is rejected before this
   * method returns. Calls `refused` if it is rejected later.
   */
  admit?(refused: (job: Job) => void): boolean
  refuse(reason: FunctionError): void
  readonly replySubject?: string
}

const sweepMs = 10
const graceMs = 5_000

export interface DispatcherOptions {
  readonly concurrency: number
  readonly maxQueued: number
  readonly perCaller: CallerLimits
  onAbandoned(): void
}

/**
 * Runs the jobs of one function: up to `concurrency` at once, while up to `maxQueued` others wait.
 * Rejects further jobs with `overloaded`. The callers take turns, and `perCaller` limits the
 * running and waiting jobs of each caller. Rejects a waiting or running job at its deadline. Frees
 * the slot of a handler that is still running five seconds after its deadline.
 */
export class Dispatcher {
  readonly stats = new FunctionStats()
  readonly #concurrency: number
  readonly maxQueued: number
  readonly #onAbandoned: () => void
  readonly #running = new SlotPool<Job>()
  readonly #queue: FairQueue<Job>
  #sweeper: NodeJS.Timeout | undefined
  #idle: (() => void)[] = []

  constructor(options: DispatcherOptions) {
    this.#concurrency = options.concurrency
    this.maxQueued = options.maxQueued
    this.#queue = new FairQueue(options.perCaller)
    this.#onAbandoned = options.onAbandoned
  }

  get queued(): number {
    return this.#queue.size
  }

  accept(job: Job): void {
    if (this.#running.size < this.#concurrency && this.#queue.mayRun(job.caller)) this.#run(job)
    else if (this.queued < this.maxQueued && this.#queue.add(job)) {
      if (job.admit?.(this.#withdraw) === false) this.#withdraw(job)
    } else {
      this.stats.shed++
      job.refuse(this.#overloaded())
    }
  }

  cancel(caller: string, replySubject: string): boolean {
    const matches = (job: Job) => job.caller === caller && job.replySubject === replySubject
    const waiting = this.#queue.find(caller, matches)
    const job = waiting ?? this.#running.list().find(matches)
    if (!job) return false
    if (waiting) this.#withdraw(waiting)
    job.refuse(new FunctionError('cancelled', 'The caller has cancelled the call'))
    return true
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && this.queued === 0
  }

  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  refuseAll(reason: FunctionError): void {
    const jobs = [...this.#queue.takeAll(), ...this.#running.list()]
    for (const job of jobs) job.refuse(reason)
  }

  #run(job: Job): void {
    if (job.run(this.#ended)) return
    job.slot = this.#running.add(job)
    this.#queue.started(job)
    this.stats.inFlight++
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs)
  }

  /** Shared by all jobs: a closure for each job would cost more than the rest of its dispatch. */
  readonly #ended = (job: Job) => {
    // A job that ran for too long after its deadline has no slot: the slot was freed while the
    // handler still ran.
    if (job.slot < 0) return
    this.stats.inFlight--
    this.#running.delete(job.slot)
    job.slot = -1
    this.#queue.ended(job)
    this.#next()
  }

  readonly #withdraw = (job: Job) => {
    this.#queue.delete(job)
    this.#resolveIdle()
  }

  #next() {
    // A job that finishes synchronously occupies no slot. So the loop starts jobs until all slots
    // are occupied.
    while (this.#running.size < this.#concurrency) {
      const job = this.#queue.next()
      if (!job) break
      this.#run(job)
    }
    this.#resolveIdle()
  }

  #resolveIdle() {
    if (!this.isIdle) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #sweep() {
    if (this.#running.size === 0) {
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
      return
    }
    const now = performance.now()
    for (const job of this.#running.list()) {
      if (job.until <= now) this.#expire(job)
      if (job.until + graceMs > now || job.slot < 0) continue
      this.#ended(job)
      this.#onAbandoned()
    }
    if (this.queued === 0) return
    for (const job of this.#queue.takeExpired(now)) this.#expire(job)
  }

  #expire(job: Job) {
    job.refuse(new FunctionError('timeout', 'The deadline passed before the function finished'))
  }

  #overloaded() {
    const { average_processing_time } = this.stats.micro
    const ms = (this.queued / this.#concurrency) * (average_processing_time / 1e6)
    return new FunctionError('overloaded', 'The queue of this function is full', {
      retryAfterMs: Math.min(10_000, Math.max(50, Math.ceil(ms))),
    })
  }
}
