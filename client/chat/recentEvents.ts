import type { PlacedEvent } from '#schema/messages/event'

/** As much as can be asked for at once. */
const maxEvents = 500

/**
 * What has happened in a room of late. A page is read from where all of it may not be yet: what it
 * lacks is taken from here.
 */
export class RecentEvents {
  /** Everything after this event is here as soon as it is told of. */
  #from: number
  #events: PlacedEvent[] = []

  constructor(from: number) {
    this.#from = from
  }

  add(placed: PlacedEvent): void {
    const at = this.#events.findLastIndex(({ seq }) => seq <= placed.seq)
    if (this.#events[at]?.seq === placed.seq) return
    this.#events.splice(at + 1, 0, placed)
    const gone = this.#events.length > maxEvents && this.#events.shift()
    if (gone) this.#from = gone.seq
  }

  /** Whether nothing is missing of what came after this event. */
  isCompleteAfter(seq: number): boolean {
    return seq >= this.#from
  }

  after(asOf: number): PlacedEvent[] {
    return this.#events.filter(({ seq }) => seq > asOf)
  }

  /** From now on everything after this event is told again. */
  restart(from: number): void {
    this.#from = from
    this.#events = this.after(from)
  }
}
