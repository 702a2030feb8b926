import type { JSX } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ErrorText } from './ErrorText.tsx'

export function FormActions(props: {
  error: unknown
  onCancel: () => void
  children: JSX.Element
}) {
  const { t } = useLanguage()
  return (
    <>
      <ErrorText error={props.error} />
      <div class="form-actions">
        <button type="button" class="button" onClick={props.onCancel}>
          {t('rooms.cancel')}
        </button>
        {props.children}
      </div>
    </>
  )
}
