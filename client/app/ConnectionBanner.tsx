import '../ui/banner.css'
import { createEffect, createSignal, onCleanup, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { graceMs } from '../nats/createConnection.ts'

const shownMs = 5_000

export function ConnectionBanner() {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const [isLate, setLate] = createSignal(false)
  const recoveredText = () => {
    const count = chat.recovered()
    return count === 'many'
      ? t('connection.recoveredMany')
      : count > 0 && tn('connection.recovered', count)
  }
  const isAbsent = () => chat.connection.isAbsent === true

  createEffect(() => {
    if (chat.connection.state().status === 'online') return setLate(false)
    if (isAbsent()) return setLate(true)
    const timer = setTimeout(() => setLate(true), graceMs)
    onCleanup(() => clearTimeout(timer))
  })
  createEffect(() => {
    if (chat.recovered() === 0) return
    const timer = setTimeout(chat.clearRecovered, shownMs)
    onCleanup(() => clearTimeout(timer))
  })

  return (
    <div role="status" aria-live="polite">
      <Show when={isLate()}>
        <p class="banner is-warning">{t(isAbsent() ? 'connection.offline' : 'connection.lost')}</p>
      </Show>
      <Show when={!isLate() && recoveredText()}>
        <p class="banner">{recoveredText()}</p>
      </Show>
    </div>
  )
}
