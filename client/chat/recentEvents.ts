import type { PlacedEvent } from '#schema/messages/event'

/** Maximum number of buffered events: as many as one response of `chat.sync` can contain. */
const maxEvents = 500

/** Buffers the latest events of a room, because a history page from a lagging replica may lack them. */
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

  isCompleteAfter(seq: number): boolean {
    return seq >= this.#from
  }

  after(asOf: number): PlacedEvent[] {
    return this.#events.filter(({ seq }) => seq > asOf)
  }

  /**
   * Drops the events up to `from`. The caller must then restart the room's feed at `from`: the feed
   * adds the later events that the buffer lacks.
   */
  restart(from: number): void {
    this.#from = from
    this.#events = this.after(from)
  }
}
