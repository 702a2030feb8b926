import { Show } from 'solid-js'
import { isCallError } from '#runtime/client'
import { useLanguage } from '../i18n/createLanguage.ts'
import { errorText } from '../i18n/problem.ts'

/** What went wrong, in the words of the page; what the server said of it, for who points at it. */
export function ErrorText(props: { of: unknown }) {
  const { t } = useLanguage()
  const detail = () => (isCallError(props.of) ? props.of.message : undefined)
  return (
    <Show when={props.of}>
      <p class="problem" role="alert" data-tip={detail()}>
        {errorText(t, props.of)}
      </p>
    </Show>
  )
}
