import { createHistogram } from 'node:perf_hooks'
import type { ErrorCode } from '../api/errors.ts'
import { findFailedStorage, type Storage } from './storage-failure.ts'

export type FailureCode = ErrorCode | 'dead_letter'

/** The upper bounds of `buckets`, in milliseconds. Longer calls are in the bucket after the last bound. */
export const bucketBounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]

/**
 * The recent percentiles cover the previous period and the current one. A period ends when
 * statistics are read at least this many milliseconds after its start.
 */
const recentMs = 10_000

/** Creates a histogram of durations in microseconds, up to one hour. */
const createDurations = () => createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 })

/**
 * Statistics since the start of the process. Durations include the time in which an asynchronous
 * handler waits.
 */
export class FunctionStats {
  requests = 0
  errors = 0
  shed = 0
  timeouts = 0
  lastError = ''
  inFlight = 0
  totalMs = 0
  readonly failures = new Map<FailureCode, number>()
  readonly storageFailures = new Map<Storage, number>()
  /** The number of calls in each bucket of durations. A batch of messages counts as one call. */
  readonly buckets = new Array<number>(bucketBounds.length + 1).fill(0)
  readonly #firstChunks = createDurations()
  /** Durations of all periods before the previous period. A period lasts `recentMs` or longer. */
  readonly #older = createDurations()
  #previous = createDurations()
  #current = createDurations()
  #rotatedAt = performance.now()

  /** Counts a call that took `ms` as `times` requests: one for each message of a batch. */
  ended(ms: number, times = 1): void {
    this.requests += times
    this.totalMs += ms
    const bucket = bucketOf(ms)
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    this.#current.record(Math.max(1, Math.round(ms * 1_000)))
  }

  firstChunk(ms: number): void {
    this.#firstChunks.record(Math.max(1, Math.round(ms * 1_000)))
  }

  failed(code: FailureCode, reason: string): void {
    this.errors++
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
    this.lastError = reason
  }

  /** If JetStream or the database caused the error, counts a failure of that storage. */
  storageFailed(error: unknown): void {
    const storage = findFailedStorage(error)
    if (storage) this.storageFailures.set(storage, (this.storageFailures.get(storage) ?? 0) + 1)
  }

  /** The statistics that the NATS micro protocol defines. Durations are in nanoseconds. */
  get micro() {
    const total = Math.round(this.totalMs * 1e6)
    return {
      num_requests: this.requests,
      num_errors: this.errors,
      last_error: this.lastError,
      processing_time: total,
      average_processing_time: this.requests === 0 ? 0 : Math.round(total / this.requests),
    }
  }

  get data() {
    this.#rotate()
    const recent = createDurations()
    recent.add(this.#previous)
    recent.add(this.#current)
    const all = createDurations()
    all.add(this.#older)
    all.add(recent)
    const percentile = (p: number, of = all) => (of.count === 0 ? 0 : of.percentile(p) / 1_000)
    return {
      in_flight: this.inFlight,
      shed: this.shed,
      timeouts: this.timeouts,
      p50_ms: percentile(50),
      p95_ms: percentile(95),
      p99_ms: percentile(99),
      recent_p50_ms: percentile(50, recent),
      recent_p99_ms: percentile(99, recent),
      ...(this.#firstChunks.count === 0
        ? {}
        : {
            first_chunk_p50_ms: percentile(50, this.#firstChunks),
            first_chunk_p99_ms: percentile(99, this.#firstChunks),
          }),
    }
  }

  #rotate() {
    if (performance.now() - this.#rotatedAt < recentMs) return
    this.#rotatedAt = performance.now()
    this.#older.add(this.#previous)
    this.#previous = this.#current
    this.#current = createDurations()
  }
}

/** Runs in each call, so it uses a loop, which takes about half the time of `findIndex`. */
function bucketOf(ms: number): number {
  let bucket = 0
  for (const bound of bucketBounds) {
    if (ms <= bound) break
    bucket++
  }
  return bucket
}
