import { type ErrorCode, errorStatus } from '../api/errors.ts'
import type { Span, SpanQuery } from '../api/system.ts'
import { newId, type TracePart } from './trace-context.ts'

/** What is known of a call when it has ended. */
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

/** From so many milliseconds on a call is kept because it is slow. */
export const slowMs = 250
/** Of the calls of a function that belong to no trace, one is kept in so many milliseconds. */
const everyMs = 1_000
const sizes = { failed: 1_000, slow: 1_000, usual: 8_000 }

/**
 * The steps of traces that ended last in this process, in memory: bounded, and gone when it ends.
 * What failed or was slow has room of its own, so that what is usual does not drive it out.
 */
export class SpanStore {
  readonly #failed = new Ring<Span>(sizes.failed)
  readonly #slow = new Ring<Span>(sizes.slow)
  readonly #usual = new Ring<Span>(sizes.usual)

  keep(span: Span): void {
    const ring = isFault(span.code) ? this.#failed : span.ms >= slowMs ? this.#slow : this.#usual
    ring.push(span)
  }

  find({ traces, only, limit = 100 }: SpanQuery): Span[] {
    if (traces) {
      const wanted = new Set(traces)
      const isWanted = ({ trace }: Span) => wanted.has(trace)
      return this.#rings().flatMap((ring) => ring.all().filter(isWanted))
    }
    const rings =
      only === 'failed' ? [this.#failed] : only === 'slow' ? [this.#slow] : this.#rings()
    return rings
      .flatMap((ring) => ring.newest(limit))
      .sort((a, b) => b.at - a.at)
      .slice(0, limit)
  }

  #rings() {
    return [this.#failed, this.#slow, this.#usual]
  }
}

/** Keeps what one function did. */
export class SpanRecorder {
  readonly #store: SpanStore
  readonly #about: Pick<Span, 'name' | 'kind' | 'version'>
  #nextAt = 0

  constructor(store: SpanStore, about: Pick<Span, 'name' | 'kind' | 'version'>) {
    this.#store = store
    this.#about = about
  }

  /**
   * Whether a call that has ended is to be kept: one that is part of a trace that is kept; of others
   * what failed, what was slow, and one now and then. On the way of every call, so it makes nothing.
   */
  shouldRecord(
    part: TracePart | undefined,
    startedAt: number,
    endedAt: number,
    code: ErrorCode | undefined,
  ): boolean {
    if (part) return true
    if (endedAt - startedAt < slowMs && endedAt < this.#nextAt && !isFault(code)) return false
    this.#nextAt = endedAt + everyMs
    return true
  }

  record({ startedAt, endedAt, part, caller = '', code, error, batch, seq }: CompletedSpan): void {
    const { name, kind, version } = this.#about
    this.#store.keep({
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

  /** Keeps what a call had a stream store. */
  stored(subject: string, seq: number, startedAt: number, { trace, id }: TracePart): void {
    this.#store.keep({
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

/** The last so many of what was put into it. */
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
