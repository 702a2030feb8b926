import { onMount, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useClipboard } from './createClipboard.ts'
import { Dialog } from './Dialog.tsx'

export function CopyDialog() {
  const { manualText, close } = useClipboard()
  const { t } = useLanguage()
  return (
    <Dialog isOpen={manualText() !== undefined} onClose={close} title={t('links.copyByHand')}>
      <div class="form">
        <p class="muted">{t('links.copyHint')}</p>
        <Show when={manualText()}>{(text) => <SelectedText text={text()} />}</Show>
      </div>
    </Dialog>
  )
}

function SelectedText(props: { text: string }) {
  const { t } = useLanguage()
  let field: HTMLTextAreaElement | undefined
  // Selects the text in the next frame, after the dialog has set its initial focus.
  onMount(() => requestAnimationFrame(() => field?.select()))
  return (
    <textarea
      ref={(element) => {
        field = element
      }}
      class="input copy-text"
      aria-label={t('links.copyByHand')}
      readonly
      rows={3}
      value={props.text}
      onFocus={({ currentTarget }) => currentTarget.select()}
    />
  )
}
