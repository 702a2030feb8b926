import { type Goal, type Line, median, type Section } from './measure.ts'

/**
 * By default, a value may miss its goal by this share of the goal, because a small miss may be
 * noise.
 */
const defaultMargin = 0.15

const columns = ['', 'measured', 'ratio', 'min', 'max', 'relative to', 'must / aim', '']

export const verdicts = ['aim met', 'met', 'within margin', 'missed'] as const
export type Verdict = (typeof verdicts)[number]

export function printSection({ title, lines }: Section): void {
  const rows = [columns, ...lines.map(cellsOf)]
  const widths = columns.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  console.log(`\n${title}`)
  for (const [index, row] of rows.entries()) {
    const isFirstGoal = lines[index - 1]?.goal && !lines[index - 2]?.goal
    if (index > 1 && isFirstGoal) console.log()
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    console.log(cells.join('  ').trimEnd())
  }
}

export function printSummary(reached: readonly Verdict[]): void {
  const counts = verdicts.map(
    (verdict) => `${reached.filter((other) => other === verdict).length} ${verdict}`,
  )
  console.log(`\nGoals: ${counts.join(', ')}`)
}

export function judge(
  ratios: readonly number[],
  { must, aim, better, margin = defaultMargin }: Goal,
): Verdict {
  const value = median(ratios)
  const reaches = (limit: number) => (better === 'more' ? value >= limit : value <= limit)
  if (aim !== undefined && reaches(aim)) return 'aim met'
  if (reaches(must)) return 'met'
  const tolerated = must * (better === 'more' ? 1 - margin : 1 + margin)
  return reaches(tolerated) ? 'within margin' : 'missed'
}

export function verdictOf({ ratios = [], goal }: Line): Verdict | undefined {
  return goal && judge(ratios, goal)
}

function cellsOf(line: Line): string[] {
  const { name, value, base = '', ratios = [], goal } = line
  const figures = ratios.length
    ? [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) =>
        ratio.toFixed(ratio < 100 ? 2 : 0),
      )
    : ['', '', '']
  const must = goal ? `${goal.better === 'more' ? '≥' : '≤'} ${goal.must}` : ''
  const aim = goal?.aim === undefined ? '' : ` / ${goal.aim}`
  return [name, value, ...figures, base, must + aim, verdictOf(line) ?? '']
}
