import { onMount, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useClipboard } from './createClipboard.ts'
import { Dialog } from './Dialog.tsx'

/** What the browser did not let us copy, selected, to be copied by hand. */
export function CopyDialog() {
  const { byHand, close } = useClipboard()
  const { t } = useLanguage()
  return (
    <Dialog isOpen={byHand() !== undefined} onClose={close} title={t('places.copyByHand')}>
      <div class="form">
        <p class="muted">{t('places.copyHint')}</p>
        <Show when={byHand()}>{(text) => <Selected text={text()} />}</Show>
      </div>
    </Dialog>
  )
}

function Selected(props: { text: string }) {
  const { t } = useLanguage()
  let field: HTMLTextAreaElement | undefined
  // The dialog gives the focus away when it opens: after that.
  onMount(() => requestAnimationFrame(() => field?.select()))
  return (
    <textarea
      ref={(element) => {
        field = element
      }}
      class="input copy-text"
      aria-label={t('places.copyByHand')}
      readonly
      rows={3}
      value={props.text}
      onFocus={({ currentTarget }) => currentTarget.select()}
    />
  )
}
