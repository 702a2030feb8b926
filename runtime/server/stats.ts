import { createHistogram } from 'node:perf_hooks'

/** How long what is called recent lasts, at the least; at the most twice as long. */
const recentMs = 10_000

/** From a microsecond to an hour. Two figures suffice for what is looked at. */
const createDurations = () => createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 })

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
  /** All but what is in the other two, which take turns: recording into one costs enough. */
  readonly #older = createDurations()
  #before = createDurations()
  #now = createDurations()
  #turnedAt = performance.now()

  /** Counts what has ended, well or not, after so many milliseconds; `times` of them as one. */
  ended(ms: number, times = 1): void {
    this.requests += times
    this.#totalMs += ms
    this.#now.record(Math.max(1, Math.round(ms * 1_000)))
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
    this.#turn()
    const recent = createDurations()
    recent.add(this.#before)
    recent.add(this.#now)
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

  /** Done by whoever asks, so that it costs nothing where nobody does. */
  #turn() {
    if (performance.now() - this.#turnedAt < recentMs) return
    this.#turnedAt = performance.now()
    this.#older.add(this.#before)
    this.#before = this.#now
    this.#now = createDurations()
  }
}
