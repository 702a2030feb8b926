import { Show } from 'solid-js'
import { isCallError } from '#runtime/client'
import { useLanguage } from '../i18n/createLanguage.ts'
import { errorText } from '../i18n/problem.ts'

export function ErrorText(props: { error: unknown }) {
  const { t } = useLanguage()
  const detail = () => (isCallError(props.error) ? props.error.message : undefined)
  return (
    <Show when={props.error}>
      <p class="problem" role="alert" data-tip={detail()}>
        {errorText(t, props.error)}
      </p>
    </Show>
  )
}
