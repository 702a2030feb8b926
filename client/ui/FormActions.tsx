import type { JSX } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ErrorText } from './ErrorText.tsx'

/** The end of a form in a dialog: what is wrong, the way out, and the button that does it. */
export function FormActions(props: {
  problem: unknown
  onCancel: () => void
  children: JSX.Element
}) {
  const { t } = useLanguage()
  return (
    <>
      <ErrorText of={props.problem} />
      <div class="form-actions">
        <button type="button" class="button" onClick={props.onCancel}>
          {t('rooms.cancel')}
        </button>
        {props.children}
      </div>
    </>
  )
}
