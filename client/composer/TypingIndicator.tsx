import { Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useConversation } from '../messages/createConversation.ts'

const maxNamed = 2

/** Who is writing here at this moment: one or two by their names. */
export function TypingIndicator() {
  const chat = useChat()
  const { t, listOf } = useLanguage()
  const { room, threadId } = useConversation()
  const who = () => chat.typing.usersIn(room.id, threadId)
  const names = () => listOf(who().map((user) => chat.people.name(user)))
  return (
    <Show when={who().length > 0}>
      {who().length > maxNamed
        ? t('composer.severalType')
        : t(who().length === 1 ? 'composer.oneTypes' : 'composer.twoType', { name: names() })}
    </Show>
  )
}
