import { createSignal } from 'solid-js'
import { useApp } from '#app'
import type { WhiteboardApp } from './app.ts'

/** Shows an SVG document as text to copy, because the frame may not start downloads. */
export function Export(props: { svg: string; onClose: () => void }) {
  const { t } = useApp<WhiteboardApp>()
  const [isCopied, setCopied] = createSignal(false)
  let field!: HTMLTextAreaElement
  const copy = () => {
    field.select()
    // `execCommand` is deprecated, but the frame has no permission for navigator.clipboard.
    setCopied(document.execCommand('copy'))
  }
  return (
    <section class="export" aria-label={t('export')}>
      <p>{t('howToExport')}</p>
      <textarea ref={field} readOnly dir="ltr" aria-label={t('svg')} value={props.svg} />
      <div class="line">
        <button type="button" class="primary" onClick={copy}>
          {t('copy')}
        </button>
        <button type="button" onClick={props.onClose}>
          {t('closeExport')}
        </button>
        <span role="status">{isCopied() ? t('copied') : ''}</span>
      </div>
    </section>
  )
}
