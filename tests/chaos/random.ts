/** Numbers that look random and are the same for the same seed: mulberry32. */
export interface Random {
  /** From 0 to below 1. */
  next(): number
  /** A whole number from `from` to below `to`. */
  between(from: number, to: number): number
  pick<T>(all: readonly T[]): T
  /** One of these, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T
  /** Another one, which goes its own way. */
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
      const found = all[random.between(0, all.length)]
      if (found === undefined) throw new RangeError('There is nothing to pick from')
      return found
    },
    weighted(weights) {
      const all = Object.entries<number>(weights)
      let left = random.next() * all.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of all) {
        left -= weight
        if (left < 0) return name as never
      }
      return all[0]?.[0] as never
    },
    fork: () => createRandom(random.between(0, 2 ** 32)),
  }
  return random
}
