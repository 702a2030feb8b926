/**
 * What comes and goes thousands of times a second. A Map or Set would make itself new tables all the
 * time, and V8 has each old table point to the next one: as soon as one of them is among the old objects,
 * all that later ones ever held stays until the next major collection.
 */
export class SlotPool<Item extends object> {
  #items: (Item | undefined)[] = []
  #free: number[] = []

  get size(): number {
    return this.#items.length - this.#free.length
  }

  /** Where it is from now on. */
  add(item: Item): number {
    const slot = this.#free.pop() ?? this.#items.length
    this.#items[slot] = item
    return slot
  }

  get(slot: number): Item | undefined {
    return this.#items[slot]
  }

  /** Leaves the place of something that is there to others. */
  delete(slot: number): void {
    this.#items[slot] = undefined
    this.#free.push(slot)
    if (this.size > 0) return
    this.#items = []
    this.#free = []
  }

  /** All that are there, in no order. */
  list(): Item[] {
    return this.#items.filter((item) => item !== undefined)
  }
}
