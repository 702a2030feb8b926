import { getStroke } from 'perfect-freehand'
import * as Y from 'yjs'
import {
  type Board,
  clamp,
  newKey,
  type Point,
  readStroke,
  type Stroke,
  board as size,
} from './create-board.ts'

/** A point that is closer than this to the point before it is left out. */
const minDistance = 4
const maxPoints = 1_500

export interface Pen {
  color: number
  width: number
}

/** Begins a stroke. Returns a function that continues it. */
export function startStroke(board: Board, { color, width }: Pen, start: Point) {
  let last = inside(start)
  let [stroke, count] = [add(), 1]

  function add(): Stroke {
    const added: Stroke = Y.Array.from([color, width, last.x, last.y])
    board.beginStep()
    board.change(() => board.strokes.set(newKey(), added))
    return added
  }

  return (points: readonly Point[]) => {
    const deltas: number[] = []
    for (const point of points.map(inside)) {
      const [dx, dy] = [point.x - last.x, point.y - last.y]
      if (Math.hypot(dx, dy) < minDistance) continue
      deltas.push(dx, dy)
      last = point
    }
    if (deltas.length === 0) return
    board.change(() => stroke.push(deltas))
    count += deltas.length / 2
    // A longer stroke would not fit into one update when it is restored after it was erased.
    if (count > maxPoints) [stroke, count] = [add(), 1]
  }
}

/** Returns the outline of a stroke as the `d` of an SVG path. */
export function outlineOf(stroke: unknown): { color: number; d: string } {
  const { color, width, points } = readStroke(stroke)
  const outline = getStroke(points, { size: width, thinning: 0.5, streamline: 0.4 })
  const corners = outline.map(([x = 0, y = 0]) => `${Math.round(x)} ${Math.round(y)}`)
  return { color, d: corners.length > 0 ? `M${corners.join('L')}Z` : '' }
}

function inside({ x, y }: Point): Point {
  return { x: clamp(x, size.width), y: clamp(y, size.height) }
}
