export interface Random {
  /** Returns a number in [0, 1). */
  next(): number
  /** Returns an integer in [from, to). */
  between(from: number, to: number): number
  pick<T>(all: readonly T[]): T
  /** Returns one of the names, each with a probability in proportion to its weight. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T
  /** Returns an independent generator, whose seed is a number from this generator. */
  fork(): Random
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const random: Random = {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
    between: (from, to) => from + Math.floor(random.next() * (to - from)),
    pick(all) {
      const picked = all[random.between(0, all.length)]
      if (picked === undefined) throw new RangeError('Cannot pick from an empty list')
      return picked
    },
    weighted(weights) {
      const all = Object.entries<number>(weights)
      let remaining = random.next() * all.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of all) {
        remaining -= weight
        if (remaining < 0) return name as never
      }
      return all[0]?.[0] as never
    },
    fork: () => createRandom(random.between(0, 2 ** 32)),
  }
  return random
}
