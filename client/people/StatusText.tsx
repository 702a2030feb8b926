import { Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'

export function StatusText(props: { user: UserId; room?: RoomId | undefined }) {
  const chat = useChat()
  const { t } = useLanguage()
  return (
    <Show when={chat.presence.statusOf(props.user, props.room)}>
      {(status) => <span class="visually-hidden">{t(`status.${status()}`)}</span>}
    </Show>
  )
}
