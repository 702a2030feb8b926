import type { MessageId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'

/** How what is told of a room hangs together: each event names the one before it in its chain. */
type ChainLink = Pick<Notice, 'seq' | 'prev' | 'threadId'>

export type ChainPosition =
  /** The next one of its chain. */
  | 'next'
  /** It has been heard, or read, before. */
  | 'known'
  /** Something before it has not come. */
  | 'hole'

/**
 * Which events of a room have been taken in: all up to one, and of each chain (the room itself, and
 * each thread) those that came after it one by one.
 */
export class EventChains {
  #asOf: number
  readonly #last = new Map<string, number>()

  constructor(asOf: number) {
    this.#asOf = asOf
  }

  /** All events up to this one have been taken in: from here on something may be missing. */
  get asOf(): number {
    return this.#asOf
  }

  /** The last event that has been taken in, whatever its chain. */
  get newest(): number {
    return Math.max(this.#asOf, ...this.#last.values())
  }

  classify({ seq, prev, threadId }: ChainLink): ChainPosition {
    const last = this.#lastOf(threadId)
    if (seq <= last) return 'known'
    return prev <= last ? 'next' : 'hole'
  }

  /** This event has been taken in, and all of its chain before it. */
  markSeen({ seq, threadId }: Pick<ChainLink, 'seq' | 'threadId'>): void {
    if (seq > this.#lastOf(threadId)) this.#last.set(threadId ?? '', seq)
  }

  /** All events up to this one have been taken in, whatever their chain. */
  markAllSeen(asOf: number): void {
    this.#asOf = Math.max(this.#asOf, asOf)
    for (const [chain, last] of this.#last) if (last <= this.#asOf) this.#last.delete(chain)
  }

  #lastOf(chain = ''): number {
    return Math.max(this.#last.get(chain) ?? 0, this.#asOf)
  }
}

/** Which of a room's events come after what has been taken in. */
export function unseenEvents(chains: EventChains, events: readonly PlacedEvent[]): PlacedEvent[] {
  return events.filter(({ seq, event }) => {
    const link = { seq, prev: 0, ...chainOf(event) }
    return chains.classify(link) !== 'known'
  })
}

/** The chain an event is of. */
export function chainOf(event: RoomEvent): { threadId?: MessageId } {
  return event.kind === 'message' && event.threadId !== undefined
    ? { threadId: event.threadId }
    : {}
}
