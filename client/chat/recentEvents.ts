import type { PlacedEvent } from '#schema/messages/event'

/** The maximum of one `chat.sync` response. */
const maxEvents = 500

/** The latest events of a room. A page is read from a replica that may lag: they complete it. */
export class RecentEvents {
  /** The buffer holds every received event after this one. */
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

  /** Whether no event after this one was evicted. */
  isCompleteAfter(seq: number): boolean {
    return seq >= this.#from
  }

  after(asOf: number): PlacedEvent[] {
    return this.#events.filter(({ seq }) => seq > asOf)
  }

  /** Starts over after a snapshot: every event after `from` is added again. */
  restart(from: number): void {
    this.#from = from
    this.#events = this.after(from)
  }
}
