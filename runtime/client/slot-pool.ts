/**
 * A pool for items that are added and removed thousands of times a second. A Map would replace its
 * hash table often, and V8 may free replaced tables only in a major garbage collection.
 */
export class SlotPool<Item extends object> {
  #items: (Item | undefined)[] = []
  #free: number[] = []

  get size(): number {
    return this.#items.length - this.#free.length
  }

  add(item: Item): number {
    const slot = this.#free.pop() ?? this.#items.length
    this.#items[slot] = item
    return slot
  }

  get(slot: number): Item | undefined {
    return this.#items[slot]
  }

  delete(slot: number): void {
    this.#items[slot] = undefined
    this.#free.push(slot)
    if (this.size > 0) return
    this.#items = []
    this.#free = []
  }

  list(): Item[] {
    return this.#items.filter((item) => item !== undefined)
  }
}
