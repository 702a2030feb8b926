import { type Goal, type Line, median, type Section } from './measure.ts'

/** The machine is shared: what misses its goal by no more than this may be its doing. */
const margin = 0.15

const columns = ['', 'measured', 'ratio', 'min', 'max', 'against', 'must / aim', '']

export type Verdict = 'aim met' | 'met' | 'within 15 %' | 'missed'

/** A section as a table for people. */
export function printSection({ title, lines }: Section): void {
  const rows = [columns, ...lines.map(cellsOf)]
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const print = (row: readonly string[]) =>
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  console.log(`\n${title}`)
  for (const [at, row] of rows.entries()) {
    if (at > 1 && lines[at - 1]?.goal && !lines[at - 2]?.goal) console.log()
    print(row)
  }
}

/** What the goal makes of a line. A line without ratios is held to its own figure. */
export function judge({ ratios = [] }: Line, { must, aim, better }: Goal): Verdict {
  const value = median(ratios)
  const reaches = (wanted: number) => (better === 'more' ? value >= wanted : value <= wanted)
  if (aim !== undefined && reaches(aim)) return 'aim met'
  if (reaches(must)) return 'met'
  return reaches(must * (better === 'more' ? 1 - margin : 1 + margin)) ? 'within 15 %' : 'missed'
}

function cellsOf(line: Line): string[] {
  const { name, value, base = '', ratios = [], goal } = line
  const figures = ratios.length
    ? [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) =>
        ratio.toFixed(ratio < 100 ? 2 : 0),
      )
    : ['', '', '']
  const wanted = goal ? `${goal.better === 'more' ? '≥' : '≤'} ${goal.must}` : ''
  const aim = goal?.aim === undefined ? '' : ` / ${goal.aim}`
  return [name, value, ...figures, base, wanted + aim, goal ? judge(line, goal) : '']
}
