export interface TableColumn {
  title: string
  right?: boolean
}

export function formatTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]) {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => row.map((cell) => cell.replaceAll(/\s+/g, ' '))),
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => length(line[index]))))
  return lines
    .map((line) =>
      columns
        .map(({ right }, index) => {
          const cell = line[index] ?? ''
          const gap = ' '.repeat((widths[index] ?? 0) - length(cell))
          return right ? gap + cell : cell + gap
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function length(cell = '') {
  return [...cell].length
}
