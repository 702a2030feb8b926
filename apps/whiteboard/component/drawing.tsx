import { onMount } from 'solid-js'
import { type Board, type Point, board as size } from './create-board.ts'
import { outlineOf, type Pen, startStroke } from './pen.ts'

interface DrawingProps {
  board: Board
  label: string
  /** Undefined if the user may not draw. */
  tool: Pen | 'eraser' | undefined
  ref: (svg: SVGSVGElement) => void
}

/** The strokes of a board, one path for each, in the order of their keys. */
export function Drawing(props: DrawingProps) {
  const { board } = props
  const paths = new Map<string, SVGPathElement>()
  const keys = new WeakMap<Element, string>()
  let svg!: SVGSVGElement
  let pointer: number | undefined
  let proceed: ((events: readonly PointerEvent[]) => void) | undefined

  onMount(() => {
    props.ref(svg)
    board.strokes.observeDeep((events) => {
      for (const { target, changes, path } of events)
        if (target === board.strokes) for (const key of [...changes.keys.keys()].sort()) place(key)
        else redraw(String(path[0]))
    })
  })

  function place(key: string) {
    paths.get(key)?.remove()
    paths.delete(key)
    if (!board.strokes.has(key)) return
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    paths.set(key, path)
    keys.set(path, key)
    redraw(key)
    let before = svg.lastElementChild
    while (before && (keys.get(before) ?? '') > key) before = before.previousElementSibling
    if (before) before.after(path)
    else svg.prepend(path)
  }

  function redraw(key: string) {
    const { color, d } = outlineOf(board.strokes.get(key))
    paths.get(key)?.setAttribute('class', `ink-${color}`)
    paths.get(key)?.setAttribute('d', d)
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
    // Safari before 18.2 lacks `getCoalescedEvents`. This function returns an empty list for events
    // that a script has created.
    const events = 'getCoalescedEvents' in event ? event.getCoalescedEvents() : []
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
        const key = keys.get(element)
        if (key !== undefined) board.erase(key)
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
