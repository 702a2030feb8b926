import { median } from '../measure.ts'
import { judge, type Verdict } from '../report.ts'

export interface Figure {
  name: string
  unit: 'ms' | 'kB' | 'MB' | 'px' | 'frames'
  values: number[]
  max?: number
}

const columns = ['', 'measured', 'min', 'max', 'goal', '']

export function verdictOf({ values, max }: Figure): Verdict | undefined {
  return max === undefined ? undefined : judge(values, { must: max, better: 'less' })
}

export function printFigures(title: string, figures: readonly Figure[]): void {
  const rows = [columns, ...figures.map(cellsOf)]
  const widths = columns.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  console.log(`\n${title}`)
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 || column === 5 ? cell : cell.padStart(widths[column] ?? 0),
    )
    console.log([cells[0]?.padEnd(widths[0] ?? 0), ...cells.slice(1)].join('  ').trimEnd())
  }
}

function cellsOf(figure: Figure): string[] {
  const { name, values, unit, max } = figure
  const show = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
  const spread = values.length > 1 ? [Math.min(...values), Math.max(...values)].map(show) : ['', '']
  const goal = max === undefined ? '' : `≤ ${max} ${unit}`
  return [name, show(median(values)), ...spread, goal, verdictOf(figure) ?? '']
}
