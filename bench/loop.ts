/** A closed loop of calls: so many under way at any time, for so long. */

export interface LoopOptions {
  /** How many are under way at once. */
  depth: number
  seconds: number
}

export interface LoopResult {
  count: number
  seconds: number
  /** Milliseconds. */
  p50: number
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
  times.sort((a, b) => a - b)
  return { count: times.length, seconds: took, p50: times[times.length >> 1] ?? 0 }
}
