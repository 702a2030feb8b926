/**
 * Options of an LRUCache with at most `count` entries. The option `max` would allocate memory for all of
 * them at once.
 */
export function maxEntries(count: number) {
  return { maxSize: count, sizeCalculation: () => 1 }
}
