import './listStates.css'
import { createSignal, For, onCleanup, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { graceMs } from '../nats/createConnection.ts'
import { Avatar } from '../people/Avatar.tsx'
import { Icon } from '../ui/Icon.tsx'
import { useConversation } from './createConversation.ts'

export function RoomStart(props: { isRow?: boolean }) {
  const chat = useChat()
  const { t } = useLanguage()
  const { room, threadId } = useConversation()
  const icon = () => (threadId !== undefined ? 'thread' : room.kind === 'private' ? 'lock' : 'hash')
  const text = () => {
    if (threadId !== undefined) return t('thread.start')
    if (room.with === undefined) return t('room.start', { room: chat.titleOf(room) })
    return room.with === chat.me
      ? t('room.startAlone')
      : t('room.startDirect', { name: chat.titleOf(room) })
  }
  return (
    <div class="list-start" classList={{ 'is-row': props.isRow === true }}>
      <Show when={threadId === undefined && room.with} fallback={<Icon name={icon()} />}>
        {(user) => <Avatar user={user()} />}
      </Show>
      <p>{text()}</p>
    </div>
  )
}

export function LoadingState() {
  const chat = useChat()
  const { t } = useLanguage()
  const [isLate, setLate] = createSignal(false)
  const timer = setTimeout(() => setLate(true), graceMs)
  onCleanup(() => clearTimeout(timer))
  return (
    <Show
      when={isLate() && chat.connection.state().status !== 'online'}
      fallback={<LoadingSkeleton text={t('room.loading')} />}
    >
      <p class="list-status" role="status">
        {t('connection.waiting')}
      </p>
    </Show>
  )
}

function LoadingSkeleton(props: { text: string }) {
  return (
    <div class="waiting">
      <p class="visually-hidden" role="status">
        {props.text}
      </p>
      <For each={[1, 2, 3, 4, 5]}>
        {() => (
          <div class="waiting-row" aria-hidden="true">
            <span class="skeleton" />
            <span class="waiting-text">
              <span class="skeleton" />
              <span class="skeleton" />
              <span class="skeleton" />
            </span>
          </div>
        )}
      </For>
    </div>
  )
}

export function OlderMessages() {
  const { t } = useLanguage()
  const { timeline } = useConversation()
  return (
    <>
      <Show when={timeline.isLoadingOlder()}>
        <div class="older" aria-hidden="true">
          <span class="spinner" />
        </div>
      </Show>
      <Show when={timeline.hasFailedOlder()}>
        <div class="older is-failed" role="status">
          {t('message.olderFailed')}
          <button type="button" class="text-button" onClick={timeline.retryOlder}>
            {t('message.retry')}
          </button>
        </div>
      </Show>
    </>
  )
}
