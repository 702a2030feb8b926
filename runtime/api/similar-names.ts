export function similarNames(name: string, names: Iterable<string>): string[] {
  const limit = Math.max(2, Math.floor(name.length / 3))
  return [...new Set(names)]
    .map((other) => ({ other, distance: distanceOf(name, other) }))
    .filter(({ other, distance }) => distance <= limit || other.includes(name))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ other }) => other)
}

function distanceOf(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = at(above, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(changed, at(above, j) + 1, at(row, j - 1) + 1))
    }
    above = row
  }
  return at(above, b.length)
}

function at(row: readonly number[], index: number) {
  return row[index] ?? 0
}
