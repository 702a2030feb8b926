import type { MessageId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'

/** `prev` is the sequence number of the previous event in the same chain (see `EventChains`). */
type ChainLink = Pick<Notice, 'seq' | 'prev' | 'threadId'>

export type ChainPosition = 'next' | 'known' | 'gap'

/**
 * Detects gaps in the events of a room. The events outside of threads form one chain, and the
 * events of each thread form a chain of their own. The notice of an event contains `prev`, the
 * sequence number of the previous event in the same chain.
 */
export class EventChains {
  #asOf: number
  readonly #last = new Map<string, number>()

  constructor(asOf: number) {
    this.#asOf = asOf
  }

  /** Sequence number up to which all events of every chain were seen. */
  get asOf(): number {
    return this.#asOf
  }

  lastOf(threadId: MessageId | undefined): number {
    return this.#lastOf(threadId)
  }

  get newest(): number {
    return Math.max(this.#asOf, ...this.#last.values())
  }

  classify({ seq, prev, threadId }: ChainLink): ChainPosition {
    const last = this.#lastOf(threadId)
    if (seq <= last) return 'known'
    return prev <= last ? 'next' : 'gap'
  }

  markSeen({ seq, threadId }: Pick<ChainLink, 'seq' | 'threadId'>): void {
    if (seq > this.#lastOf(threadId)) this.#last.set(threadId ?? '', seq)
  }

  markAllSeen(asOf: number): void {
    this.#asOf = Math.max(this.#asOf, asOf)
    for (const [chain, last] of this.#last) if (last <= this.#asOf) this.#last.delete(chain)
  }

  #lastOf(chain = ''): number {
    return Math.max(this.#last.get(chain) ?? 0, this.#asOf)
  }
}

export function unseenEvents(chains: EventChains, events: readonly PlacedEvent[]): PlacedEvent[] {
  return events.filter(({ seq, event }) => {
    const link = { seq, prev: 0, ...chainOf(event) }
    return chains.classify(link) !== 'known'
  })
}

export function chainOf(event: RoomEvent): { threadId?: MessageId } {
  return event.kind === 'message' && event.threadId !== undefined
    ? { threadId: event.threadId }
    : {}
}
