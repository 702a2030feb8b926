import { For } from 'solid-js'
import { shownSamples } from './series.ts'

export interface Line {
  values: readonly (number | undefined)[]
  kind: 'main' | 'second' | 'danger'
}

const [width, height] = [120, 30]
/**
 * The time axis first has room for this many samples, and grows with the series up to
 * `shownSamples`. If it had its full length from the start, a short series would be a dot in a
 * corner.
 */
const minSamples = 15

export function Sparkline(props: { lines: readonly Line[]; label: string; isLarge?: boolean }) {
  const highest = () =>
    Math.max(1e-9, ...props.lines.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const points = (values: Line['values']) =>
    values.map((value, index) => ({
      x: width - ((values.length - 1 - index) / (slots(values) - 1)) * width,
      y: value === undefined ? undefined : height - 2 - (value / highest()) * (height - 4),
    }))

  const slots = (values: Line['values']) =>
    Math.min(shownSamples, Math.max(minSamples, values.length))

  return (
    <svg
      class="spark"
      classList={{ 'is-large': props.isLarge === true }}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      <title>{props.label}</title>
      <line class="spark-ground" x1="0" x2={width} y1={height - 1} y2={height - 1} />
      <For each={props.lines}>
        {(line) => (
          <>
            <path class={`spark-area is-${line.kind}`} d={areaOf(points(line.values))} />
            <path class={`spark-line is-${line.kind}`} d={pathOf(points(line.values))} />
          </>
        )}
      </For>
    </svg>
  )
}

type Point = { x: number; y: number | undefined }

function pathOf(points: readonly Point[]): string {
  let isDrawing = false
  let path = ''
  for (const { x, y } of points) {
    if (y !== undefined) path += `${isDrawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    isDrawing = y !== undefined
  }
  return path
}

function areaOf(points: readonly Point[]): string {
  const runs: Point[][] = [[]]
  for (const point of points) {
    if (point.y === undefined) runs.push([])
    else runs.at(-1)?.push(point)
  }
  return runs
    .flatMap((run) => {
      const [first, last] = [run[0], run.at(-1)]
      if (!first || !last || first === last) return []
      return `${pathOf(run)}L${last.x.toFixed(1)} ${height}L${first.x.toFixed(1)} ${height}Z`
    })
    .join('')
}
