import { type ErrorCode, errorStatus } from '../api/errors.ts'
import type { Span, SpanQuery } from '../api/system.ts'
import { newId, type TracePart } from './trace-context.ts'

/** `startedAt` and `endedAt` are values of `performance.now()`. */
export interface CompletedSpan {
  startedAt: number
  endedAt: number
  part?: TracePart | undefined
  caller?: string | undefined
  code?: ErrorCode | undefined
  error?: string | undefined
  batch?: number | undefined
  seq?: number | undefined
}

export const slowMs = 250
const sampleIntervalMs = 1_000
const sizes = { failed: 1_000, slow: 1_000, other: 8_000 }

/**
 * Stores the latest spans of this process. Failed calls and slow calls have ring buffers of their own,
 * so that other calls do not evict them.
 */
export class SpanStore {
  readonly #failed = new Ring<Span>(sizes.failed)
  readonly #slow = new Ring<Span>(sizes.slow)
  readonly #other = new Ring<Span>(sizes.other)

  add(span: Span): void {
    const ring = isFault(span.code) ? this.#failed : span.ms >= slowMs ? this.#slow : this.#other
    ring.push(span)
  }

  find({ traces, only, limit = 100 }: SpanQuery): Span[] {
    if (traces) {
      const requested = new Set(traces)
      const isRequested = ({ trace }: Span) => requested.has(trace)
      return this.#rings().flatMap((ring) => ring.all().filter(isRequested))
    }
    const rings =
      only === 'failed' ? [this.#failed] : only === 'slow' ? [this.#slow] : this.#rings()
    return rings
      .flatMap((ring) => ring.newest(limit))
      .sort((a, b) => b.at - a.at)
      .slice(0, limit)
  }

  #rings() {
    return [this.#failed, this.#slow, this.#other]
  }
}

export class SpanRecorder {
  readonly #store: SpanStore
  readonly #labels: Pick<Span, 'name' | 'kind' | 'version'>
  #nextAt = 0

  constructor(store: SpanStore, labels: Pick<Span, 'name' | 'kind' | 'version'>) {
    this.#store = store
    this.#labels = labels
  }

  /**
   * Returns whether to record a call: each call of a sampled trace, each failed or slow call, and at most
   * one other call per second. Runs for each call, so it must not allocate.
   */
  shouldRecord(
    part: TracePart | undefined,
    startedAt: number,
    endedAt: number,
    code: ErrorCode | undefined,
  ): boolean {
    if (part) return true
    if (endedAt - startedAt < slowMs && endedAt < this.#nextAt && !isFault(code)) return false
    this.#nextAt = endedAt + sampleIntervalMs
    return true
  }

  record({ startedAt, endedAt, part, caller = '', code, error, batch, seq }: CompletedSpan): void {
    const { name, kind, version } = this.#labels
    this.#store.add({
      trace: part ? part.trace : newId(16),
      id: part ? part.id : newId(8),
      parent: part?.parent,
      name,
      kind,
      version,
      at: performance.timeOrigin + startedAt,
      ms: endedAt - startedAt,
      code,
      error,
      batch,
      seq,
      caller,
    })
  }

  recordAppend(subject: string, seq: number, startedAt: number, { trace, id }: TracePart): void {
    this.#store.add({
      trace,
      id: newId(8),
      parent: id,
      name: subject,
      kind: 'append',
      version: '',
      at: performance.timeOrigin + startedAt,
      ms: performance.now() - startedAt,
      seq,
      caller: '',
    })
  }
}

function isFault(code: ErrorCode | undefined) {
  return code !== undefined && errorStatus[code] >= 500
}

class Ring<Item> {
  readonly #size: number
  readonly #items: Item[] = []
  #next = 0

  constructor(size: number) {
    this.#size = size
  }

  push(item: Item): void {
    this.#items[this.#next] = item
    this.#next = (this.#next + 1) % this.#size
  }

  all(): readonly Item[] {
    return this.#items
  }

  newest(count: number): Item[] {
    const inOrder = [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)]
    return inOrder.slice(-count)
  }
}
