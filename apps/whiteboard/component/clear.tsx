import { createSignal, onMount, Show } from 'solid-js'
import { useApp } from '#app'
import type { WhiteboardApp } from './app.ts'

/** A button that asks before it clears the board, because that cannot be undone. */
export function Clear(props: { onClear: () => void }) {
  const { t } = useApp<WhiteboardApp>()
  const [isAsking, setAsking] = createSignal(false)
  let button: HTMLButtonElement | undefined
  const close = () => {
    setAsking(false)
    button?.focus()
  }
  const clear = () => {
    props.onClear()
    close()
  }
  return (
    <Show
      when={isAsking()}
      fallback={
        <button type="button" ref={button} onClick={() => setAsking(true)}>
          {t('clear')}
        </button>
      }
    >
      <Question onYes={clear} onNo={close} />
    </Show>
  )
}

function Question(props: { onYes: () => void; onNo: () => void }) {
  const { t, kitText } = useApp<WhiteboardApp>()
  let no: HTMLButtonElement | undefined
  onMount(() => no?.focus())
  return (
    <fieldset class="question" aria-label={t('clear')}>
      <p>{t('confirmClear')}</p>
      <div class="line">
        <button type="button" class="primary" onClick={props.onYes}>
          {t('clear')}
        </button>
        <button type="button" ref={no} onClick={props.onNo}>
          {kitText('cancel')}
        </button>
      </div>
    </fieldset>
  )
}
