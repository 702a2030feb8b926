import './threadSummary.css'
import { For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'

export function ThreadSummary(props: { item: TimelineMessage }) {
  const chat = useChat()
  const { t, tn, locale, timeOf } = useLanguage()
  const unread = () => chat.threads.byId[props.item.id]?.unread ?? 0
  const lastTimeOf = (at: string) =>
    new Date(at).toDateString() === new Date().toDateString()
      ? timeOf(at)
      : new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(new Date(at))
  return (
    <>
      <span class="thread-faces">
        <For each={props.item.replies?.users}>{(user) => <Avatar user={user} isSmall />}</For>
      </span>
      <Show when={props.item.replies?.lastAt}>
        {(at) => (
          <span class="thread-last">{t('thread.lastReply', { time: lastTimeOf(at()) })}</span>
        )}
      </Show>
      <Show when={unread()}>
        {(count) => (
          <>
            <span
              class="badge"
              classList={{ 'is-quiet': !chat.threads.byId[props.item.id]?.mentions }}
              aria-hidden="true"
            >
              {count() > 99 ? '99+' : count()}
            </span>
            <span class="visually-hidden">{tn('rooms.unread', count())}</span>
          </>
        )}
      </Show>
    </>
  )
}
