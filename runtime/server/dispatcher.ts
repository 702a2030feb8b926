import { FunctionError } from '../api/errors.ts'
import { SlotPool } from '../client/slot-pool.ts'
import { FunctionStats } from './stats.ts'

/** One piece of work, however it arrived. */
export interface Job {
  /** Until when its outcome is of use, by `performance.now()`. */
  readonly until: number
  /** Where the dispatcher has it while it runs. */
  slot: number
  /**
   * Does it, and never fails: what goes wrong it answers and counts itself. True when it is done at
   * once; otherwise calls `ended` when it is.
   */
  run(ended: (job: Job) => void): boolean
  /** Ends it without an outcome: refused before it began, or overdue. May come while it runs. */
  refuse(reason: FunctionError): void
}

/** How often overdue jobs are looked for, in milliseconds. */
const sweepMs = 10

/**
 * Runs the jobs of one function: so many at once, so many waiting, the rest refused at once with
 * `overloaded`. A job whose deadline passes is refused with `timeout`, whether it waits or runs.
 */
export class Dispatcher {
  readonly stats = new FunctionStats()
  readonly #concurrency: number
  readonly #maxQueued: number
  readonly #running = new SlotPool<Job>()
  #queue: Job[] = []
  #head = 0
  #sweeper: NodeJS.Timeout | undefined
  #idle: (() => void)[] = []

  constructor(options: { concurrency: number; maxQueued: number }) {
    this.#concurrency = options.concurrency
    this.#maxQueued = options.maxQueued
  }

  get queued(): number {
    return this.#queue.length - this.#head
  }

  accept(job: Job): void {
    if (this.#running.size < this.#concurrency) this.#run(job)
    else if (this.queued < this.#maxQueued) this.#queue.push(job)
    else {
      this.stats.shed++
      job.refuse(this.#overloaded())
    }
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#running.size === 0 && this.queued === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Refuses what waits and what runs: the time to finish is over. */
  refuseAll(reason: FunctionError): void {
    const jobs = [...this.#queue.slice(this.#head), ...this.#running.list()]
    this.#queue = []
    this.#head = 0
    for (const job of jobs) job.refuse(reason)
  }

  /** What is done at once never counts as running: nothing could come in between. */
  #run(job: Job): void {
    if (job.run(this.#ended)) return
    job.slot = this.#running.add(job)
    this.stats.inFlight++
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs)
  }

  /** One function for all jobs: to make one for each would cost more than all else here. */
  readonly #ended = (job: Job) => {
    this.stats.inFlight--
    this.#running.delete(job.slot)
    this.#next()
  }

  #next() {
    // More than one, where those that come next are done at once.
    while (this.#running.size < this.#concurrency) {
      const job = this.#queue[this.#head]
      if (!job) break
      this.#head++
      this.#run(job)
    }
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    if (this.#running.size > 0 || this.queued > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #sweep() {
    if (this.#running.size === 0) {
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
      return
    }
    const now = performance.now()
    for (const job of this.#running.list()) if (job.until <= now) this.#expire(job)
    while (this.queued > 0) {
      const job = this.#queue[this.#head]
      if (!job || job.until > now) break
      this.#head++
      this.#expire(job)
    }
  }

  #expire(job: Job) {
    job.refuse(new FunctionError('timeout', 'The deadline passed before the function was done'))
  }

  /** When the queue will have moved on, going by how long things have taken so far. */
  #overloaded() {
    const { average_processing_time } = this.stats.micro
    const ms = (this.queued / this.#concurrency) * (average_processing_time / 1e6)
    return new FunctionError('overloaded', 'Too much is waiting for this function already', {
      retryAfterMs: Math.min(10_000, Math.max(50, Math.ceil(ms))),
    })
  }
}
