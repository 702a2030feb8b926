import { createSignal } from 'solid-js'
import * as Y from 'yjs'

/** The size of a board in its own units. Each page scales the board to the available space. */
export const board = { width: 1_200, height: 1_600 }
const maxNotes = 100

/**
 * Contains the colour, the width, the first point, and for each further point, the distance from the
 * point before it.
 */
export type Stroke = Y.Array<number>
export type Note = Y.Map<number | Y.Text>

export interface Point {
  x: number
  y: number
}

/** The origin of Yjs transactions that the user can undo. */
const own = Symbol('own')
const minWidth = 4

/**
 * Creates a Yjs document for a board, and a history of the user's undo steps. The document contains
 * two maps: strokes and notes.
 */
export function createBoard() {
  const doc = new Y.Doc()
  const strokes = doc.getMap<Stroke>('strokes')
  const notes = doc.getMap<Note>('notes')
  const undoManager = new Y.UndoManager([strokes, notes], {
    trackedOrigins: new Set([own]),
    captureTimeout: Number.POSITIVE_INFINITY,
  })
  const [steps, setSteps] = createSignal({ canUndo: false, canRedo: false })
  const countSteps = () =>
    setSteps({ canUndo: undoManager.canUndo(), canRedo: undoManager.canRedo() })
  for (const event of ['stack-item-added', 'stack-item-popped'] as const)
    undoManager.on(event, countSteps)

  /** Makes a change that belongs to the current undo step. */
  const change = (work: () => void) => doc.transact(work, own)

  function beginStep() {
    undoManager.stopCapturing()
  }

  return {
    doc,
    strokes,
    notes,
    steps,
    change,
    beginStep,
    undo: () => undoManager.undo(),
    redo: () => undoManager.redo(),
    /**
     * Each erased stroke is an undo step of its own. If one step restored several strokes, its
     * update could be too large for the server.
     */
    erase(key: string) {
      beginStep()
      change(() => strokes.delete(key))
    },
    /**
     * Cannot be undone: an update that restores a large board would be too large for the server.
     */
    clear() {
      doc.transact(() => {
        strokes.clear()
        notes.clear()
      })
      undoManager.clear()
      countSteps()
    },
    addNote(at: Point): Note {
      const note: Note = new Y.Map()
      beginStep()
      change(() => {
        for (const [key, value] of Object.entries(at)) note.set(key, value)
        note.set('text', new Y.Text())
        notes.set(newKey(), note)
      })
      return note
    },
    moveNote(note: Note, to: Point) {
      change(() => {
        note.set('x', clamp(to.x, board.width))
        note.set('y', clamp(to.y, board.height))
      })
    },
    removeNote(note: Note) {
      beginStep()
      change(() => {
        for (const [key, existing] of notes) if (existing === note) notes.delete(key)
      })
    },
    /**
     * Replaces only the part of the text that differs, so that simultaneous changes by other users
     * remain.
     */
    writeNote(note: Note, text: string) {
      const before = readNote(note).text
      const { start, removed, inserted } = differenceOf(before, text)
      const target = note.get('text')
      if (!(target instanceof Y.Text)) return
      change(() => {
        target.delete(start, removed)
        target.insert(start, inserted)
      })
    },
  }
}

export type Board = ReturnType<typeof createBoard>

/**
 * Returns a key for a new stroke or note. It sorts after all earlier keys, so that the new one is
 * on top.
 */
export function newKey(): string {
  return `${Date.now().toString(36)}-${crypto.randomUUID().slice(0, 8)}`
}

/** Returns the notes in the order of their keys. */
export function listNotes({ notes }: Board): Note[] {
  return [...notes]
    .filter(([, note]) => note instanceof Y.Map)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, maxNotes)
    .map(([, note]) => note)
}

/** Returns valid values of a note. Other users write to the note, so it may contain anything. */
export function readNote(note: Note) {
  const text = note.get('text')
  return {
    x: clamp(note.get('x'), board.width),
    y: clamp(note.get('y'), board.height),
    text: text instanceof Y.Text ? text.toString() : '',
  }
}

export function readStroke(stroke: unknown) {
  const numbers: unknown[] = stroke instanceof Y.Array ? stroke.toArray() : []
  const color = clamp(numbers[0], 4)
  const width = Math.max(clamp(numbers[1], 100), minWidth)
  const points: [number, number][] = []
  let [x, y] = [0, 0]
  for (let at = 2; at + 1 < numbers.length; at += 2) {
    x = clamp(x + Number(numbers[at]), board.width)
    y = clamp(y + Number(numbers[at + 1]), board.height)
    points.push([x, y])
  }
  return { color, width, points }
}

/** Returns a whole number from 0 to `max`. */
export function clamp(value: unknown, max: number): number {
  return Math.round(Math.min(Math.max(Number(value) || 0, 0), max))
}

function differenceOf(before: string, after: string) {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start += 1
  let end = 0
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  return {
    start,
    removed: before.length - end - start,
    inserted: after.slice(start, after.length - end),
  }
}
