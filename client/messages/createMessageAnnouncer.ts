import { createEffect, on, onCleanup } from 'solid-js'
import type { MessageId } from '#schema/ids'
import { usersIn } from '../apps/card.ts'
import type { Chat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { toPlainText } from '../text/plain.ts'
import { useAnnounce } from '../ui/liveRegion.ts'
import type { Conversation } from './createConversation.ts'

const maxMessages = 3
const maxLength = 200
const maxRemembered = 20

/**
 * Announces new messages in a separate live region. If the list were the live region, old messages that
 * scrolling renders would be announced too.
 */
export function createMessageAnnouncer(chat: Chat, { timeline }: Conversation): void {
  const { t, textOf, tn } = useLanguage()
  const announce = useAnnounce()
  const announced = new Map<MessageId, { text: string; withdraw: () => void }>()
  // The announced texts must not remain in the page after the user closes the room.
  onCleanup(() => {
    for (const { withdraw } of announced.values()) withdraw()
  })
  const now = () => ({
    items: timeline.items(),
    opened: timeline.opened(),
    hasNewer: timeline.hasNewer(),
  })
  createEffect(
    on(now, ({ items, opened }, before) => {
      withdrawChanged(items)
      if (!before || opened === 0 || opened !== before.opened || before.hasNewer) return
      const last = before.items.at(-1)?.seq ?? 0
      const added = items.filter(
        ({ seq, sender, deletedAt }) => seq > last && sender !== chat.me && !deletedAt,
      )
      if (added.length > maxMessages) announce(tn('message.newBelow', added.length))
      else void announceEach(added)
    }),
  )

  async function announceEach(messages: readonly TimelineMessage[]) {
    for (const message of messages) {
      const { id, sender, text, card, mentions } = message
      await chat.people.loadNames([sender, ...(card ? usersIn(card) : mentions)])
      // The message may have been deleted or edited while the names of users were loading.
      if (timeline.items().find((item) => item.id === id)?.text !== text) continue
      const plain = toPlainText(textOf(message, chat.people.name), maxLength, {
        mentions,
        nameOf: chat.people.name,
        handleOf: chat.people.handle,
      })
      const name = chat.people.name(sender)
      announced.set(id, {
        text,
        withdraw: announce(t('message.announcement', { name, text: plain })),
      })
      // Older announcements need not be withdrawn: the live region has removed them after a few seconds.
      for (const older of [...announced.keys()].slice(0, -maxRemembered)) announced.delete(older)
    }
  }

  /** The text of a deleted or edited message must not remain in the page. */
  function withdrawChanged(items: readonly TimelineMessage[]) {
    for (const [id, { text, withdraw }] of announced) {
      if (items.find((item) => item.id === id)?.text === text) continue
      withdraw()
      announced.delete(id)
    }
  }
}
