/** Rounds, ratios and goals: how a section turns runs into lines. */

export interface Options {
  /** How often each row is measured; its figure is the median. */
  rounds: number
  /** How long one measurement takes. */
  seconds: number
}

/** What one row did in one round. */
export interface Sample {
  /** Done per second. */
  rate: number
  /** How long one took, in milliseconds: the median, and all but one in a hundred. */
  p50: number
  p99: number
  /** What it cost the responder, in microseconds of processor time each. */
  cpu: number
}

export type Figure = keyof Sample

/** The samples of each row, in the order of the rounds. */
export type Samples = Map<string, Sample[]>

export interface Goal {
  title: string
  /** What must hold of the median, and what we aim at. */
  must: number
  aim?: number
  /** Whether more is better, or less. */
  better: 'more' | 'less'
}

/** A line of a section's table: a figure of a row, beside its baseline, against a goal. */
export interface Line {
  name: string
  value: string
  /** What the ratios are against; absent for what stands alone. */
  base?: string
  /** One for each round, of two figures measured in that round. */
  ratios?: number[]
  goal?: Goal
}

export interface Section {
  title: string
  lines: Line[]
}

/**
 * Measures every row once per round, so that whatever disturbs the machine disturbs all alike. Rows
 * take turns at going first.
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

/** Figures of a row over those of its baseline, round by round. */
export function ratiosOf(samples: Samples, row: string, base: string, figure: Figure): number[] {
  const below = figuresOf(samples, base, figure)
  return figuresOf(samples, row, figure).map((value, round) => value / (below[round] ?? Number.NaN))
}

export function figuresOf(samples: Samples, row: string, figure: Figure): number[] {
  const found = samples.get(row)
  if (!found) throw new Error(`There is no row "${row}"`)
  return found.map((sample) => sample[figure])
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

/** One line for each row: its rate, its times, its cost, and its rate against the baseline's. */
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

/** A line that holds a row's figure, over its baseline's, to a goal. */
export function goalLine(
  samples: Samples,
  row: string,
  base: string,
  figure: Figure,
  goal: Goal,
): Line {
  return {
    name: goal.title,
    value: formatMedian(samples, row, figure),
    base,
    ratios: ratiosOf(samples, row, base, figure),
    goal,
  }
}

/** Empty for what a row does not measure. */
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
