import { type JSX, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

/** The end of a form in a dialog: what is wrong, the way out, and the button that does it. */
export function FormEnd(props: { problem: string; onCancel: () => void; children: JSX.Element }) {
  const { t } = useLanguage()
  return (
    <>
      <Show when={props.problem}>
        <p class="problem" role="alert">
          {props.problem}
        </p>
      </Show>
      <div class="form-actions">
        <button type="button" class="button" onClick={props.onCancel}>
          {t('rooms.cancel')}
        </button>
        {props.children}
      </div>
    </>
  )
}
