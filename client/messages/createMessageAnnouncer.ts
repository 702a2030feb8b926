import { createEffect, on, onCleanup } from 'solid-js'
import type { MessageId } from '#schema/ids'
import type { Chat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { toPlainText } from '../text/plain.ts'
import { useAnnounce } from '../ui/liveRegion.ts'
import type { Conversation } from './createConversation.ts'

/** Of more at once it is said only how many there are. */
const maxMessages = 3
const maxLength = 200
const maxSpoken = 20

/**
 * Says what others say while somebody is here, a sentence for each message: the list of messages itself is
 * silent, as it draws what is old whenever somebody goes back.
 */
export function createMessageAnnouncer(chat: Chat, { timeline }: Conversation): void {
  const { t, tn } = useLanguage()
  const announce = useAnnounce()
  const spoken = new Map<MessageId, { text: string; take: () => void }>()
  // Whoever leaves, or was removed, has nothing more of it.
  onCleanup(() => {
    for (const { take } of spoken.values()) take()
  })
  const now = () => ({
    items: timeline.items(),
    opened: timeline.opened(),
    hasNewer: timeline.hasNewer(),
  })
  createEffect(
    on(now, ({ items, opened }, before) => {
      withdraw(items)
      // A page was opened, or loaded: what is in it was said before.
      if (!before || opened === 0 || opened !== before.opened || before.hasNewer) return
      const last = before.items.at(-1)?.seq ?? 0
      const said = items.filter(
        ({ seq, sender, deletedAt }) => seq > last && sender !== chat.me && !deletedAt,
      )
      if (said.length > maxMessages) announce(tn('message.newBelow', said.length))
      else void sayEach(said)
    }),
  )

  async function sayEach(said: readonly TimelineMessage[]) {
    for (const { id, sender, text, mentions } of said) {
      await chat.people.find([sender, ...mentions])
      // Meanwhile it may have been deleted, or put otherwise.
      if (timeline.items().find((it) => it.id === id)?.text !== text) continue
      const plain = toPlainText(text, maxLength, (user) => chat.people.name(user))
      const name = chat.people.name(sender)
      spoken.set(id, { text, take: announce(t('message.heard', { name, text: plain })) })
      // Those said before are out of the page by themselves.
      for (const older of [...spoken.keys()].slice(0, -maxSpoken)) spoken.delete(older)
    }
  }

  /** What was deleted, or put otherwise, is nowhere in the page as it was. */
  function withdraw(items: readonly TimelineMessage[]) {
    for (const [id, { text, take }] of spoken) {
      if (items.find((it) => it.id === id)?.text === text) continue
      take()
      spoken.delete(id)
    }
  }
}
