import { median } from '../measure.ts'
import { judge } from '../report.ts'

/** Something that was found out, once in each round; with `most`, it is a goal. */
export interface Figure {
  name: string
  unit: 'ms' | 'kB' | 'MB' | 'px' | 'frames'
  values: number[]
  most?: number
}

const columns = ['', 'found', 'least', 'greatest', 'goal', '']

export function verdictOf({ values, most }: Figure): string {
  if (most === undefined) return ''
  return judge({ name: '', value: '', ratios: values }, { title: '', must: most, better: 'less' })
}

/** A table for people. */
export function printFigures(title: string, figures: readonly Figure[]): void {
  const rows = [columns, ...figures.map(cellsOf)]
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  console.log(`\n${title}`)
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      at === 0 || at === 5 ? cell : cell.padStart(widths[at] ?? 0),
    )
    console.log([cells[0]?.padEnd(widths[0] ?? 0), ...cells.slice(1)].join('  ').trimEnd())
  }
}

function cellsOf(figure: Figure): string[] {
  const { name, values, unit, most } = figure
  const show = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
  const spread = values.length > 1 ? [Math.min(...values), Math.max(...values)].map(show) : ['', '']
  const goal = most === undefined ? '' : `≤ ${most} ${unit}`
  return [name, show(median(values)), ...spread, goal, verdictOf(figure)]
}
