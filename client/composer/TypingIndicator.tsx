import { Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useConversation } from '../messages/createConversation.ts'

const maxNamed = 2

export function TypingIndicator() {
  const chat = useChat()
  const { t, listOf } = useLanguage()
  const { room, threadId } = useConversation()
  const users = () => chat.typing.usersIn(room.id, threadId)
  const names = () => listOf(users().map((user) => chat.people.name(user)))
  return (
    <Show when={users().length > 0}>
      {users().length > maxNamed
        ? t('composer.typingMany')
        : t(users().length === 1 ? 'composer.typingOne' : 'composer.typingTwo', { name: names() })}
    </Show>
  )
}
