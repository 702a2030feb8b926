import { createEffect, on, onCleanup } from 'solid-js'
import type { MessageId } from '#schema/ids'
import type { Chat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { toPlainText } from '../text/plain.ts'
import { useAnnounce } from '../ui/liveRegion.ts'
import type { Conversation } from './createConversation.ts'

/** If more new messages arrive at once, only their number is announced. */
const maxMessages = 3
const maxLength = 200
const maxRemembered = 20

/**
 * Announces new messages in a separate live region, because scrolling renders old messages in the
 * list.
 */
export function createMessageAnnouncer(chat: Chat, { timeline }: Conversation): void {
  const { t, textOf, tn } = useLanguage()
  const announce = useAnnounce()
  const announced = new Map<MessageId, { text: string; withdraw: () => void }>()
  // After the user leaves the room, the texts of its messages must not remain in the page.
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
      // Messages of a history page that was just loaded are not new.
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
      await chat.people.loadNames([sender, ...(card?.by ? [card.by] : mentions)])
      // Skips a message that was deleted or edited while the names of users were loading.
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
      // The live region itself removes announcements after a few seconds, so older ones need no
      // withdrawal.
      for (const older of [...announced.keys()].slice(0, -maxRemembered)) announced.delete(older)
    }
  }

  /**
   * Withdraws announcements of deleted and edited messages, because the text must not remain in the
   * page.
   */
  function withdrawChanged(items: readonly TimelineMessage[]) {
    for (const [id, { text, withdraw }] of announced) {
      if (items.find((item) => item.id === id)?.text === text) continue
      withdraw()
      announced.delete(id)
    }
  }
}
