import { createEffect, createMemo, createSignal, For } from 'solid-js'
import { useApp } from '#app'
import type { WhiteboardApp } from './app.ts'
import { type Board, listNotes, type Note, readNote, board as size } from './create-board.ts'

const maxText = 500
const steps: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

interface NotesProps {
  board: Board
  canEdit: boolean
  /** The note that the user has just added, which takes the focus. */
  added: Note | undefined
  /** Called after a note was removed, so that the caller can move the lost focus elsewhere. */
  onRemove: () => void
}

export function Notes(props: NotesProps) {
  const [changed, setChanged] = createSignal(0)
  props.board.notes.observeDeep(() => setChanged((count) => count + 1))
  const notes = createMemo(() => {
    changed()
    return listNotes(props.board)
  })
  return (
    <For each={notes()}>
      {(note, index) => (
        <NoteView {...props} note={note} number={index() + 1} changed={changed()} />
      )}
    </For>
  )
}

function NoteView(props: NotesProps & { note: Note; number: number; changed: number }) {
  const { t } = useApp<WhiteboardApp>()
  const { board } = props
  const content = createMemo(() => {
    void props.changed
    return readNote(props.note)
  })
  let box!: HTMLFieldSetElement
  let field!: HTMLTextAreaElement
  let grip: { x: number; y: number } | undefined

  createEffect(() => setText(field, content().text))
  createEffect(() => {
    if (props.added === props.note) field.focus()
  })

  function moveByKey(event: KeyboardEvent) {
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    if (!event.repeat) board.beginStep()
    const length = event.shiftKey ? 100 : 20
    const { x, y } = content()
    board.moveNote(props.note, { x: x + step[0] * length, y: y + step[1] * length })
  }

  function take(event: PointerEvent & { currentTarget: HTMLElement }) {
    const { left, top } = box.getBoundingClientRect()
    grip = { x: event.clientX - left, y: event.clientY - top }
    event.currentTarget.setPointerCapture(event.pointerId)
    board.beginStep()
  }

  function drag(event: PointerEvent) {
    const area = box.parentElement?.getBoundingClientRect()
    if (!grip || !area) return
    board.moveNote(props.note, {
      x: ((event.clientX - grip.x - area.left) / area.width) * size.width,
      y: ((event.clientY - grip.y - area.top) / area.height) * size.height,
    })
  }

  const drop = () => {
    grip = undefined
  }

  return (
    <fieldset
      ref={box}
      class="note"
      aria-label={t('note', { number: props.number })}
      style={{
        left: `${(content().x / size.width) * 100}%`,
        top: `${(content().y / size.height) * 100}%`,
      }}
    >
      <div class="note-head" hidden={!props.canEdit}>
        <button
          type="button"
          class="grip"
          aria-label={t('moveNote', { number: props.number })}
          title={t('howToMove')}
          onKeyDown={moveByKey}
          onPointerDown={take}
          onPointerMove={drag}
          onPointerUp={drop}
          onPointerCancel={drop}
        >
          ⠿
        </button>
        <button
          type="button"
          aria-label={t('deleteNote', { number: props.number })}
          onClick={() => {
            board.removeNote(props.note)
            props.onRemove()
          }}
        >
          ×
        </button>
      </div>
      <textarea
        ref={field}
        dir="auto"
        aria-label={t('noteText', { number: props.number })}
        maxLength={maxText}
        readOnly={!props.canEdit}
        onFocus={board.beginStep}
        onInput={({ currentTarget }) => board.writeNote(props.note, currentTarget.value)}
      />
    </fieldset>
  )
}

/** Sets the text of a note. The caret stays in its place while the user edits the note. */
function setText(field: HTMLTextAreaElement, text: string) {
  if (field.value === text) return
  const { selectionStart, selectionEnd } = field
  field.value = text
  if (document.activeElement === field) field.setSelectionRange(selectionStart, selectionEnd)
}
