import { onMount } from 'solid-js'
import * as Y from 'yjs'
import { type Board, type Point, type Stroke, board as size } from './create-board.ts'
import { outlineOf, type Pen, startStroke } from './pen.ts'

interface DrawingProps {
  board: Board
  label: string
  /** Undefined if the user may not draw. */
  tool: Pen | 'eraser' | undefined
  ref: (svg: SVGSVGElement) => void
}

/** The strokes of a board. Has one path for each element of the document's list, in the same order. */
export function Drawing(props: DrawingProps) {
  const { board } = props
  const paths = new WeakMap<object, SVGPathElement>()
  const strokes = new WeakMap<Element, Stroke>()
  let svg!: SVGSVGElement
  let pointer: number | undefined
  let proceed: ((events: readonly PointerEvent[]) => void) | undefined

  onMount(() => {
    props.ref(svg)
    place([{ insert: board.strokes.toArray() }])
    board.strokes.observeDeep((events) => {
      for (const { target, changes } of events)
        if (target === board.strokes) place(changes.delta)
        else redraw(target as Stroke)
    })
  })

  function place(delta: Y.YEvent<Y.AbstractType<unknown>>['changes']['delta']) {
    let at = 0
    for (const { retain = 0, delete: removed = 0, insert = [] } of delta) {
      at += retain
      for (let count = 0; count < removed; count += 1) svg.children[at]?.remove()
      const added = document.createDocumentFragment()
      for (const element of insert) added.append(createPath(element))
      at += added.childElementCount
      svg.insertBefore(added, svg.children[at - added.childElementCount] ?? null)
    }
  }

  function createPath(element: unknown) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    if (element instanceof Y.Array) {
      paths.set(element, path)
      strokes.set(path, element)
      redraw(element)
    }
    return path
  }

  function redraw(stroke: Stroke) {
    const path = paths.get(stroke)
    if (!path) return
    const { color, d } = outlineOf(stroke)
    path.setAttribute('class', `ink-${color}`)
    path.setAttribute('d', d)
  }

  function start(event: PointerEvent) {
    const { tool } = props
    if (!tool || pointer !== undefined || event.button !== 0) return
    pointer = event.pointerId
    svg.setPointerCapture(pointer)
    if (tool === 'eraser') proceed = erase
    else {
      const draw = startStroke(board, tool, pointOf(event))
      proceed = (events) => draw(events.map(pointOf))
    }
    proceed([event])
  }

  function move(event: PointerEvent) {
    if (event.pointerId !== pointer) return
    const events = event.getCoalescedEvents()
    proceed?.(events.length > 0 ? events : [event])
  }

  function end(event: PointerEvent) {
    if (event.pointerId === pointer) [pointer, proceed] = [undefined, undefined]
  }

  function pointOf({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = svg.getBoundingClientRect()
    return {
      x: ((clientX - left) / width) * size.width,
      y: ((clientY - top) / height) * size.height,
    }
  }

  function erase(events: readonly PointerEvent[]) {
    for (const { clientX, clientY } of events)
      for (const element of document.elementsFromPoint(clientX, clientY)) {
        const stroke = strokes.get(element)
        if (stroke) board.erase(stroke)
      }
  }

  return (
    <svg
      ref={svg}
      role="img"
      aria-label={props.label}
      viewBox={`0 0 ${size.width} ${size.height}`}
      classList={{ 'can-draw': props.tool !== undefined }}
      onPointerDown={start}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    />
  )
}
