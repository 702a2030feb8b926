import { createHistogram } from 'node:perf_hooks'

/** Milliseconds that the recent percentiles cover at least; they cover at most twice as much. */
const recentMs = 10_000

/** Microseconds, from one to an hour, with two significant digits. */
const createDurations = () => createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 })

/** Counters and durations of a function since its start. Durations include asynchronous time. */
export class FunctionStats {
  requests = 0
  errors = 0
  /** Rejected with `overloaded` before the start. */
  shed = 0
  timeouts = 0
  lastError = ''
  inFlight = 0
  #totalMs = 0
  /** Everything before the two recent periods. Each call is recorded once, in the current period. */
  readonly #older = createDurations()
  #previous = createDurations()
  #current = createDurations()
  #rotatedAt = performance.now()

  /** Counts a finished call with its duration in milliseconds; `times` messages for a batch. */
  ended(ms: number, times = 1): void {
    this.requests += times
    this.#totalMs += ms
    this.#current.record(Math.max(1, Math.round(ms * 1_000)))
  }

  failed(reason: string, times = 1): void {
    this.errors += times
    this.lastError = reason
  }

  /** The standard fields of a micro endpoint's stats. Durations are whole nanoseconds. */
  get micro() {
    const total = Math.round(this.#totalMs * 1e6)
    return {
      num_requests: this.requests,
      num_errors: this.errors,
      last_error: this.lastError,
      processing_time: total,
      average_processing_time: this.requests === 0 ? 0 : Math.round(total / this.requests),
    }
  }

  /** The `data` of a micro endpoint's stats: figures without a standard field, in milliseconds. */
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
    }
  }

  /** Runs on each read of the stats, so that it costs nothing while they are not polled. */
  #rotate() {
    if (performance.now() - this.#rotatedAt < recentMs) return
    this.#rotatedAt = performance.now()
    this.#older.add(this.#previous)
    this.#previous = this.#current
    this.#current = createDurations()
  }
}
