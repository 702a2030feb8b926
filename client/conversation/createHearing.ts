import { createEffect, on } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import type { Item } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useAnnounce } from '../shell/announce.ts'
import { toPlainText } from '../text/plain.ts'
import type { Conversation } from './createConversation.ts'

/** Of more at once it is said only how many there are. */
const mostSaid = 3
const mostLetters = 200

/**
 * Says what others say while somebody is here, a sentence for each message: the list of messages itself is
 * silent, as it draws what is old whenever somebody goes back.
 */
export function createHearing(chat: Chat, { timeline }: Conversation): void {
  const { t, tn } = useLanguage()
  const announce = useAnnounce()
  const now = () => ({
    items: timeline.items(),
    opened: timeline.opened(),
    hasNewer: timeline.hasNewer(),
  })
  createEffect(
    on(now, ({ items, opened }, before) => {
      // A page was opened, or loaded: what is in it was said before.
      if (!before || opened === 0 || opened !== before.opened || before.hasNewer) return
      const last = before.items.at(-1)?.seq ?? 0
      const said = items.filter(
        ({ seq, sender, deletedAt }) => seq > last && sender !== chat.me && !deletedAt,
      )
      if (said.length > mostSaid) announce(tn('message.newBelow', said.length))
      else void sayEach(said)
    }),
  )

  async function sayEach(said: readonly Item[]) {
    for (const { sender, text } of said) {
      const name = await chat.people.find(sender)
      const plain = toPlainText(text, mostLetters, (user) => chat.people.name(user))
      announce(t('message.heard', { name, text: plain }))
    }
  }
}
