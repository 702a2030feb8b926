import { createSignal, Show } from 'solid-js'
import { defineElement, Page, useApp } from '#app'
import type { WhiteboardApp } from './component/app.ts'
import { Board } from './component/board.tsx'
import css from './component.css?inline'
import { words } from './words/index.ts'

defineElement<WhiteboardApp>('whiteboard', { words, css, view: Whiteboard })

function Whiteboard() {
  const { t } = useApp<WhiteboardApp>()
  const [rejection, setRejection] = createSignal<string>()
  const [session, setSession] = createSignal({})
  /** Loads the board again, because a document with a rejected change can no longer be stored. */
  const restart = (code: string) => {
    setRejection(t(code === 'too_large' ? 'full' : 'rejected'))
    setSession({})
  }
  return (
    <Page title={t('title')}>
      <p role="alert">{rejection()}</p>
      <Show when={session()} keyed>
        <Board onReject={restart} />
      </Show>
    </Page>
  )
}
