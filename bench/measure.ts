import type { LoopResult } from './loop.ts'

export interface Options {
  rounds: number
  seconds: number
}

export interface Sample {
  rate: number
  /** In milliseconds. */
  p50: number
  p99: number
  /** Processor time of the responding process per operation, in microseconds. */
  cpu: number
}

export type Figure = keyof Sample

export type Samples = Map<string, Sample[]>

export interface Goal {
  must: number
  aim?: number | undefined
  /** With `more`, `must` and `aim` are minimums; with `less`, they are maximums. */
  better: 'more' | 'less'
  /** The tolerated deviation from `must`, as a share of `must`; 0.15 by default. */
  margin?: number
}

/** Goals for p99 tolerate up to twice their value, because few samples determine a p99. */
export const p99Margin = 1

export interface Line {
  name: string
  value: string
  base?: string
  /** For each round, the figure of this line divided by that of `base`. */
  ratios?: number[]
  goal?: Goal
}

export interface Section {
  title: string
  lines: Line[]
}

export async function takeSample(
  readCpu: () => Promise<number>,
  run: () => Promise<LoopResult>,
): Promise<Sample> {
  const before = await readCpu()
  const { count, seconds, p50, p99 } = await run()
  return { rate: count / seconds, p50, p99, cpu: ((await readCpu()) - before) / count }
}

/**
 * Measures each row once per round. Each round begins with a different row, so that a disturbance of
 * the machine affects all rows alike.
 */
export async function measureRounds(
  rows: readonly string[],
  { rounds }: Options,
  measure: (row: string) => Promise<Sample>,
): Promise<Samples> {
  const samples: Samples = new Map(rows.map((row) => [row, []]))
  for (let round = 0; round < rounds; round++) {
    const shift = round % rows.length
    for (const row of [...rows.slice(shift), ...rows.slice(0, shift)])
      samples.get(row)?.push(await measure(row))
  }
  return samples
}

export function toRatios(values: readonly number[], baseline: readonly number[]): number[] {
  return values.map((value, round) => value / (baseline[round] ?? Number.NaN))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[sorted.length % 2 ? half : half - 1],
    sorted[half],
  ]
  return (low + high) / 2
}

export function rowLines(samples: Samples, base: string, suffix = ''): Line[] {
  return [...samples.keys()].map((row) => {
    const formatted = figures.map((figure) => formatMedian(samples, row, figure))
    return {
      name: row + suffix,
      value: formatted.filter(Boolean).join('  '),
      base,
      ratios: ratiosOf(samples, row, base, 'rate'),
    }
  })
}

export interface RowGoal {
  title: string
  row: string
  base: string
  figure: Figure
  must: number
  aim?: number | undefined
}

/** The goal is a minimum for rates and a maximum for other figures. */
export function goalLine(samples: Samples, { title, row, base, figure, must, aim }: RowGoal): Line {
  const better = figure === 'rate' ? 'more' : 'less'
  return {
    name: title,
    value: formatMedian(samples, row, figure),
    base,
    ratios: ratiosOf(samples, row, base, figure),
    goal: { must, aim, better, ...(figure === 'p99' ? { margin: p99Margin } : {}) },
  }
}

function ratiosOf(samples: Samples, row: string, base: string, figure: Figure): number[] {
  return toRatios(figuresOf(samples, row, figure), figuresOf(samples, base, figure))
}

function figuresOf(samples: Samples, row: string, figure: Figure): number[] {
  const samplesOfRow = samples.get(row)
  if (!samplesOfRow) throw new Error(`The section has no row "${row}"`)
  return samplesOfRow.map((sample) => sample[figure])
}

function formatMedian(samples: Samples, row: string, figure: Figure): string {
  const values = figuresOf(samples, row, figure)
  return values.some(Number.isNaN) ? '' : formats[figure](median(values))
}

const formats: Record<Figure, (value: number) => string> = {
  rate: (rate) => (rate >= 10_000 ? `${(rate / 1_000).toFixed(1)}k/s` : `${rate.toFixed(0)}/s`),
  p50: (ms) => `p50 ${formatMs(ms)}`,
  p99: (ms) => `p99 ${formatMs(ms)}`,
  cpu: (us) => `${us.toFixed(us < 100 ? 1 : 0)} µs`,
}
const figures = Object.keys(formats) as Figure[]

function formatMs(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`
}
