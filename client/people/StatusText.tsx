import { Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'

/** Announces a user's presence status to screen readers, which do not see the dot. */
export function StatusText(props: { user: UserId; room?: RoomId | undefined }) {
  const chat = useChat()
  const { t } = useLanguage()
  return (
    <Show when={chat.presence.statusOf(props.user, props.room)}>
      {(status) => <span class="visually-hidden">{t(`status.${status()}`)}</span>}
    </Show>
  )
}
