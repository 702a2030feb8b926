import './unreadBar.css'
import { Show } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { goToMention } from './goToMention.ts'

export function UnreadBar(props: { room: MyRoom }) {
  const chat = useChat()
  const { route, go } = useRoute()
  const { t, tn } = useLanguage()
  const threads = () =>
    chat.threads.unreadIn(props.room.id).filter(({ threadId }) => threadId !== route().thread)
  const openOldest = () => {
    const [oldest] = threads().sort((a, b) => a.lastSeq - b.lastSeq)
    if (oldest) go({ room: props.room.id, thread: oldest.threadId })
  }
  return (
    <Show when={props.room.mentions > 0 || threads().length > 0}>
      <nav class="unread-bar" aria-label={t('thread.unread')}>
        <Show when={props.room.mentions > 0}>
          <button
            type="button"
            class="button"
            onClick={() => void goToMention(chat, props.room.id, { go })}
          >
            @ {tn('rooms.mentions', props.room.mentions)}
          </button>
        </Show>
        <Show when={threads().length > 0}>
          <button type="button" class="button" onClick={openOldest}>
            <Icon name="thread" />
            {tn('thread.unreadThreads', threads().length)}
          </button>
        </Show>
      </nav>
    </Show>
  )
}
