import type { PlacedEvent } from '#schema/messages/event'

/** Maximum number of buffered events, as many as one `chat.sync` response may contain. */
const maxEvents = 500

/**
 * Buffers the latest events of a room. They are added to history pages that a lagging replica
 * returned without them.
 */
export class RecentEvents {
  /** Sequence number after which the buffer holds every received event. */
  #from: number
  #events: PlacedEvent[] = []

  constructor(from: number) {
    this.#from = from
  }

  add(placed: PlacedEvent): void {
    const index = this.#events.findLastIndex(({ seq }) => seq <= placed.seq)
    if (this.#events[index]?.seq === placed.seq) return
    this.#events.splice(index + 1, 0, placed)
    const evicted = this.#events.length > maxEvents && this.#events.shift()
    if (evicted) this.#from = evicted.seq
  }

  /** Returns whether the buffer still holds every received event after this sequence number. */
  isCompleteAfter(seq: number): boolean {
    return seq >= this.#from
  }

  after(asOf: number): PlacedEvent[] {
    return this.#events.filter(({ seq }) => seq > asOf)
  }

  /**
   * Restarts the buffer at `from` and drops older events. The feed must then add all later events
   * again.
   */
  restart(from: number): void {
    this.#from = from
    this.#events = this.after(from)
  }
}
