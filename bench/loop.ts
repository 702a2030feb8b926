export interface LoopOptions {
  depth: number
  seconds: number
}

export interface LoopResult {
  count: number
  seconds: number
  p50: number
  p99: number
}

export async function loop(
  { depth, seconds }: LoopOptions,
  call: () => Promise<unknown>,
): Promise<LoopResult> {
  const times: number[] = []
  const started = performance.now()
  const end = started + seconds * 1_000

  async function repeat() {
    for (let from = performance.now(); from < end; ) {
      await call()
      const to = performance.now()
      times.push(to - from)
      from = to
    }
  }
  await Promise.all(Array.from({ length: depth }, repeat))

  const duration = (performance.now() - started) / 1_000
  return { count: times.length, seconds: duration, ...percentilesOf(times) }
}

/** p99 is NaN for fewer than 100 values. */
export function percentilesOf(values: readonly number[]): { p50: number; p99: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const quantile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { p50: quantile(0.5), p99: values.length < 100 ? Number.NaN : quantile(0.99) }
}
