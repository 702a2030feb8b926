import { createComputed, createSignal, Show } from 'solid-js'
import type { MessageId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { applyTo, type TimelineMessage } from '../chat/timeline.ts'
import { Composer } from '../composer/Composer.tsx'
import { useLanguage } from '../i18n/createLanguage.ts'
import {
  ConversationContext,
  createConversation,
  useConversation,
} from '../messages/createConversation.ts'
import { linkedMessageOf } from '../messages/createLinkedMessage.ts'
import { createMessageAnnouncer } from '../messages/createMessageAnnouncer.ts'
import { MessageDialogs } from '../messages/MessageDialogs.tsx'
import { MessageList } from '../messages/MessageList.tsx'
import { MessageRow } from '../messages/MessageRow.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { IconButton } from '../ui/IconButton.tsx'

export function ThreadPanel(props: {
  room: MyRoom
  thread: MessageId
  mayWrite: boolean
  onClose: () => void
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const roomConversation = useConversation()
  // Keeps the root message in the panel when the room's timeline moves to a history page without it.
  const [root, setRoot] = createSignal<TimelineMessage>()
  createComputed(() => {
    const found = roomConversation.timeline.items().find(({ id }) => id === props.thread)
    if (found) setRoot(found)
  })
  const { route } = useRoute()
  const conversation = createConversation({
    chat,
    room: props.room,
    threadId: props.thread,
    isPreview: roomConversation.isPreview,
    isTargeted: linkedMessageOf(route(), props.thread) !== undefined,
    onEvent: (placed) => setRoot((item) => item && applyTo(item, placed)),
  })
  createMessageAnnouncer(chat, conversation)
  return (
    <ConversationContext.Provider value={conversation}>
      <section class="panel" aria-label={t('thread.title')}>
        <header class="room-head">
          <h2>{t('thread.title')}</h2>
          <IconButton icon="close" label={t('thread.close')} onClick={props.onClose} />
        </header>
        <Show when={root()}>
          {(item) => (
            <div class="thread-root">
              <MessageRow item={item()} isFirst isMarked={false} />
            </div>
          )}
        </Show>
        <MessageList title={t('thread.title')} />
        <Show when={props.mayWrite}>
          <Composer label={t('composer.threadLabel')} />
        </Show>
      </section>
      <MessageDialogs />
    </ConversationContext.Provider>
  )
}
