import { onCleanup, Show } from 'solid-js'
import { topics } from '#schema/contracts'
import type { Room } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ConversationContext, createConversation } from '../messages/createConversation.ts'
import { linkedMessageOf } from '../messages/createLinkedMessage.ts'
import { createMessageAnnouncer } from '../messages/createMessageAnnouncer.ts'
import { MessageList } from '../messages/MessageList.tsx'
import { BackButton } from '../routing/BackButton.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { ThreadPanel } from './ThreadPanel.tsx'

/**
 * The preview subscribes to the room, and also fetches new events at this interval: in a room with
 * bans, the subscription receives none, because events are published only to the members.
 */
const syncMs = 5_000

export function RoomPreview(props: { room: Room; onJoin: () => void }) {
  const chat = useChat()
  const { route, go } = useRoute()
  const { t } = useLanguage()
  const room = {
    ...props.room,
    role: 'guest',
    lastSeq: 0,
    readSeq: 0,
    unread: 0,
    mentions: 0,
  } as const
  const conversation = createConversation({
    chat,
    room,
    isPreview: true,
    isTargeted: linkedMessageOf(route()) !== undefined,
  })
  const { timeline } = conversation
  onCleanup(chat.client.listen(topics.roomNotify, { room: room.id }, timeline.receive))
  const polling = setInterval(() => void timeline.sync(), syncMs)
  onCleanup(() => clearInterval(polling))
  createMessageAnnouncer(chat, conversation)

  return (
    <ConversationContext.Provider value={conversation}>
      <div class="room" classList={{ 'has-panel': route().thread !== undefined }}>
        <section class="room-main" aria-labelledby="room-title">
          <header class="room-head">
            <BackButton />
            <Icon name="hash" />
            <h1 id="room-title" class="cut" dir="auto">
              {room.name}
            </h1>
          </header>
          <MessageList title={room.name} />
          <div class="read-only">
            <p>{t('room.preview')}</p>
            <button type="button" class="button primary" onClick={props.onJoin}>
              {t('room.joinToView')}
            </button>
          </div>
        </section>
        <Show when={route().thread} keyed>
          {(thread) => (
            <ThreadPanel
              room={room}
              thread={thread}
              onClose={() => go({ room: room.id })}
              mayWrite={false}
            />
          )}
        </Show>
      </div>
    </ConversationContext.Provider>
  )
}
