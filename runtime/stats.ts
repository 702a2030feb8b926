import { createHistogram } from 'node:perf_hooks'

/** What a function has done since it was started, in numbers that are true for async work. */
export class FunctionStats {
  requests = 0
  errors = 0
  /** Refused before they began. */
  shed = 0
  /** Answered `timeout` because the deadline passed. */
  timeouts = 0
  lastError = ''
  inFlight = 0
  #totalMs = 0
  readonly #durations = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 })

  /** Counts what has ended, well or not, after so many milliseconds; `times` of them as one. */
  ended(ms: number, times = 1): void {
    this.requests += times
    this.#totalMs += ms
    this.#durations.record(Math.max(1, Math.round(ms * 1_000)))
  }

  failed(reason: string, times = 1): void {
    this.errors += times
    this.lastError = reason
  }

  /** The fields of a micro endpoint's stats. Times are whole nanoseconds, as the schema wants. */
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

  /** What micro has no field for; goes into `data`. Milliseconds. */
  get data() {
    const percentile = (p: number) =>
      this.requests === 0 ? 0 : this.#durations.percentile(p) / 1_000
    return {
      in_flight: this.inFlight,
      shed: this.shed,
      timeouts: this.timeouts,
      p50_ms: percentile(50),
      p95_ms: percentile(95),
      p99_ms: percentile(99),
    }
  }
}
