import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'

/** Whether somebody is there, for who does not see the dot at their picture. */
export function StatusWord(props: { user: UserId }) {
  const chat = useChat()
  const { t } = useLanguage()
  return <span class="visually-hidden">{t(`status.${chat.presence.statusOf(props.user)}`)}</span>
}
