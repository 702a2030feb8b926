/** A closed loop of calls: so many under way at any time, for so long. */

export interface LoopOptions {
  /** How many are under way at once. */
  depth: number
  seconds: number
}

export interface LoopResult {
  count: number
  seconds: number
  /** How long a call took, in milliseconds: half of them, and all but one in a hundred. */
  p50: number
  p99: number
}

/** Calls again as soon as a call has ended. Rejects when one fails: what fails is not measured. */
export async function loop(
  { depth, seconds }: LoopOptions,
  call: () => Promise<unknown>,
): Promise<LoopResult> {
  const times: number[] = []
  const started = performance.now()
  const until = started + seconds * 1_000

  async function repeat() {
    for (let now = performance.now(); now < until; ) {
      await call()
      const then = performance.now()
      times.push(then - now)
      now = then
    }
  }
  await Promise.all(Array.from({ length: depth }, repeat))

  const took = (performance.now() - started) / 1_000
  return { count: times.length, seconds: took, ...percentilesOf(times) }
}

/** Of times in milliseconds, in any order. Fewer than a hundred have no hundredth: NaN. */
export function percentilesOf(times: readonly number[]): { p50: number; p99: number } {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  return { p50: at(0.5), p99: times.length < 100 ? Number.NaN : at(0.99) }
}
