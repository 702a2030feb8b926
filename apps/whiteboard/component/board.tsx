import { createSignal, onCleanup, onMount, Show } from 'solid-js'
import { useApp } from '#app'
import type { WhiteboardApp } from './app.ts'
import { Clear } from './clear.tsx'
import { createBoard, type Note } from './create-board.ts'
import { createSync } from './create-sync.ts'
import { Drawing } from './drawing.tsx'
import { Export } from './export.tsx'
import { exportSvg } from './export-svg.ts'
import { Notes } from './notes.tsx'
import { Toolbar, type Tools } from './toolbar.tsx'

export function Board(props: { onReject: (code: string) => void }) {
  const { t, may, bridge } = useApp<WhiteboardApp>()
  const board = createBoard()
  const canEdit = may('speak')
  const [tools, setTools] = createSignal<Tools>({ color: 0, width: 16, isErasing: false })
  const [isLoading, setLoading] = createSignal(true)
  const [isUnsaved, setUnsaved] = createSignal(false)
  const [added, setAdded] = createSignal<Note>()
  const [svg, setSvg] = createSignal<string>()
  let drawing!: SVGSVGElement
  let addButton: HTMLButtonElement | undefined

  createSync({
    doc: board.doc,
    bridge,
    onLoad: () => setLoading(false),
    onUnsaved: setUnsaved,
    onReject: props.onReject,
  })

  const tool = () => {
    if (!canEdit) return undefined
    return tools().isErasing ? 'eraser' : tools()
  }
  const addNote = () => {
    const offset = (board.notes.size % 8) * 60
    setAdded(board.addNote({ x: 100 + offset, y: 100 + offset }))
  }
  const undoByKey = (event: KeyboardEvent) => {
    const isText = event.target instanceof HTMLTextAreaElement
    if (isText || !canEdit || event.key.toLowerCase() !== 'z') return
    if (!(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    if (event.shiftKey) board.redo()
    else board.undo()
  }
  onMount(() => window.addEventListener('keydown', undoByKey))
  onCleanup(() => window.removeEventListener('keydown', undoByKey))

  return (
    <div class="whiteboard">
      <Show when={canEdit} fallback={<p class="muted">{t('readOnly')}</p>}>
        <Toolbar tools={tools()} onChange={setTools}>
          <button type="button" aria-disabled={!board.steps().canUndo} onClick={board.undo}>
            {t('undo')}
          </button>
          <button type="button" aria-disabled={!board.steps().canRedo} onClick={board.redo}>
            {t('redo')}
          </button>
          <button type="button" ref={addButton} onClick={addNote}>
            {t('addNote')}
          </button>
        </Toolbar>
      </Show>
      <p class="muted state" role="status">
        <Show when={isUnsaved()}>{t('unsaved')}</Show>
      </p>
      <div class="board" aria-busy={isLoading()}>
        <Drawing
          board={board}
          label={t('drawing')}
          tool={tool()}
          ref={(element) => {
            drawing = element
          }}
        />
        <Notes
          board={board}
          canEdit={canEdit}
          added={added()}
          onRemove={() => addButton?.focus()}
        />
      </div>
      <div class="below">
        <button type="button" onClick={() => setSvg(exportSvg(drawing, board))}>
          {t('export')}
        </button>
        <Show when={canEdit}>
          <Clear onClear={board.clear} />
        </Show>
      </div>
      <Show when={svg()}>{(source) => <Export svg={source()} onClose={() => setSvg()} />}</Show>
    </div>
  )
}
