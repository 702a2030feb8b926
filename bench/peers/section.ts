import { loadavg } from 'node:os'
import { type Line, median, type Options, type Section, toRatios } from '../measure.ts'
import { verdictOf, verdicts } from '../report.ts'
import { type Figures, measureServer } from './measure-server.ts'
import { type Row, rows } from './rows.ts'
import { base, starts } from './servers.ts'

/** Measures one server after another. Each round begins with a different server. */
export async function measurePeers(options: Options): Promise<Section[]> {
  const names = Object.keys(starts)
  const results = new Map(names.map((name) => [name, [] as Figures[]]))
  const loads = [loadavg()[0] ?? 0]
  for (let round = 0; round < options.rounds; round++) {
    const shift = round % names.length
    for (const name of [...names.slice(shift), ...names.slice(0, shift)]) {
      const started = performance.now()
      results.get(name)?.push(await measureServer(name, options))
      const seconds = ((performance.now() - started) / 1_000).toFixed(0)
      console.error(`round ${round + 1} of ${options.rounds}: ${name}, ${seconds} s`)
    }
    loads.push(loadavg()[0] ?? 0)
  }

  const lines = rows.flatMap((row) => names.flatMap((name) => toLine(row, name, results) ?? []))
  const rank = (line: Line) => verdicts.indexOf(verdictOf(line) ?? 'met')
  const goals = lines.filter(({ goal }) => goal).sort((a, b) => rank(b) - rank(a))
  return [
    { title: 'Natter and its peers: goals, the missed ones first', lines: goals },
    {
      title: `All figures (load average of the machine: ${loads.map((load) => load.toFixed(1)).join(', ')})`,
      lines: lines.map(({ goal: _, ...line }) => line),
    },
  ]
}

function toLine(row: Row, name: string, results: Map<string, Figures[]>): Line | undefined {
  const { key, title, unit, goal, against = base } = row
  const valuesOf = (peer: string) => results.get(peer)?.map((figures) => figures[key] ?? Number.NaN)
  const values = valuesOf(name)
  if (!values || values.every(Number.isNaN)) return undefined
  const isNatter = name.startsWith('Natter')
  const baseline = against === 'none' ? values.map(() => 1) : valuesOf(against)
  const hasBaseline = baseline?.some((value) => !Number.isNaN(value))
  return {
    name: `${title}: ${name}`,
    value: `${format(median(values))} ${unit}`,
    ...(hasBaseline && key !== 'driver' && (against !== 'none' || isNatter)
      ? {
          base: against === 'none' ? unit : against,
          ratios: toRatios(values, baseline ?? []),
          ...(goal && isNatter ? { goal } : {}),
        }
      : {}),
  }
}

function format(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value < 10 ? 2 : 1)
}
