import './room.css'
import {
  createEffect,
  createResource,
  createSignal,
  Match,
  onCleanup,
  Show,
  Switch,
} from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { useChat } from '../chat/createChat.ts'
import { Composer } from '../composer/Composer.tsx'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ConversationContext, createConversation } from '../messages/createConversation.ts'
import { linkedMessageOf } from '../messages/createLinkedMessage.ts'
import { createMessageAnnouncer } from '../messages/createMessageAnnouncer.ts'
import { MessageDialogs } from '../messages/MessageDialogs.tsx'
import { MessageList } from '../messages/MessageList.tsx'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import { BackButton } from '../routing/BackButton.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'
import { lazyPart } from '../ui/lazyPart.tsx'

const RoomMenu = lazyMenu(async () => (await import('../rooms/RoomMenu.tsx')).RoomMenu)
const MembersPanel = lazyPart(
  async () => (await import('../members/MembersPanel.tsx')).MembersPanel,
)
const ThreadPanel = lazyPart(async () => (await import('./ThreadPanel.tsx')).ThreadPanel)

/** One room: who is in it, what is said in it, and a place to say something. */
export function RoomView(props: { room: RoomId }) {
  const chat = useChat()
  const room = () => chat.rooms.byId[props.room]
  return (
    <Show when={room()} fallback={<NotMemberView room={props.room} />}>
      {(found) => <MemberView room={found()} />}
    </Show>
  )
}

function MemberView(props: { room: MyRoom }) {
  const chat = useChat()
  const id = props.room.id
  const [kept] = createResource(async () => (await chat.readCachedPage(id)) ?? null)
  return (
    // What was kept is there in a moment, and shown until the room has answered.
    <Show when={kept.state === 'ready'}>
      <Conversation room={props.room} page={kept.latest ?? undefined} />
    </Show>
  )
}

function Conversation(props: {
  room: MyRoom
  page: Parameters<typeof createConversation>[0]['page']
}) {
  const chat = useChat()
  const { route, go } = useRoute()
  const { t } = useLanguage()
  const [hasMembers, setHasMembers] = createSignal(false)
  const conversation = createConversation({
    chat,
    room: props.room,
    page: props.page,
    isTargeted: linkedMessageOf(route()) !== undefined,
  })
  createMessageAnnouncer(chat, conversation)
  const title = () => chat.titleOf(props.room)
  const showsMembers = () => hasMembers() && route().thread === undefined
  const toggleMembers = () => {
    setHasMembers(!showsMembers())
    // There is room for one of the two.
    if (route().thread !== undefined) go({ room: props.room.id })
  }
  /** Closes what is beside the room, from within and from where nothing is being written. */
  const onKey = (event: KeyboardEvent) => {
    const { target } = event
    if (event.key !== 'Escape' || event.shiftKey || event.defaultPrevented || event.isComposing)
      return
    // What is opened from here and shown elsewhere on the page closes by itself.
    if (!(target instanceof HTMLElement) || !target.closest('.room')) return
    const isInPanel = target.closest('.panel') !== null
    if (target.closest('[role="log"]') && !isInPanel)
      return chat.rooms.markRead(props.room.id, props.room.lastSeq)
    if (!isInPanel && !(target instanceof HTMLTextAreaElement && target.value === '')) return
    if (!hasMembers() && route().thread === undefined) return
    event.preventDefault()
    setHasMembers(false)
    go({ room: props.room.id })
    document.getElementById('composer')?.focus()
  }
  const mayWrite = () =>
    hasRight(props.room, 'speak') &&
    chat.identity.roles.some((role) => role === 'user' || role === 'admin')

  return (
    <ConversationContext.Provider value={conversation}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it hears of keys that are pressed within. */}
      <div
        class="room"
        onKeyDown={onKey}
        classList={{ 'has-panel': hasMembers() || route().thread !== undefined }}
      >
        <section class="room-main" aria-labelledby="room-title">
          <header class="room-head">
            <button
              type="button"
              class="icon-button only-narrow"
              aria-label={t('rooms.title')}
              onClick={() => go({})}
            >
              <Icon name="back" />
            </button>
            <Show
              when={props.room.with}
              fallback={<Icon name={props.room.kind === 'private' ? 'lock' : 'hash'} />}
            >
              {(user) => <Avatar user={user()} room={props.room.id} hasStatus isSmall />}
            </Show>
            <h1 id="room-title">{title()}</h1>
            <Show when={props.room.with}>
              {(user) => <StatusText user={user()} room={props.room.id} />}
            </Show>
            <button
              type="button"
              class="icon-button"
              aria-label={t('room.details')}
              aria-pressed={showsMembers()}
              onClick={toggleMembers}
            >
              <Icon name="people" />
            </button>
            <RoomMenu room={props.room} class="icon-button" label={t('places.roomMenu')}>
              <Icon name={chat.notify.isMuted(props.room.id) ? 'bellOff' : 'more'} />
            </RoomMenu>
          </header>
          <MessageList title={title()} />
          <Show when={mayWrite()} fallback={<p class="read-only">{t('room.readOnly')}</p>}>
            <Composer label={t('composer.label', { room: title() })} />
          </Show>
        </section>
        <Show when={route().thread} keyed>
          {(thread) => (
            <ThreadPanel
              room={props.room}
              thread={thread}
              onClose={() => go({ room: props.room.id })}
              mayWrite={mayWrite()}
            />
          )}
        </Show>
        <Show when={showsMembers()}>
          <MembersPanel room={props.room} onClose={() => setHasMembers(false)} />
        </Show>
      </div>
      <MessageDialogs />
    </ConversationContext.Provider>
  )
}

/** What says that there is no such room, at least not for us. */
const says: ReadonlySet<string> = new Set(['forbidden', 'not_found', 'invalid'])
/** So long after it could not be asked for it is asked for again. */
const retryDelayMs = 5_000

/** A room we are not in: a public one can be joined. */
function NotMemberView(props: { room: RoomId }) {
  const chat = useChat()
  const { t } = useLanguage()
  const [info, { refetch }] = createResource(
    () => chat.rooms.isLoaded(),
    () => chat.client.try('room.info', { room: props.room }),
  )
  const found = () => {
    const answer = info()
    return answer?.ok ? answer.value.room : undefined
  }
  /** It could not be asked for, which says nothing about the room. */
  const isUnknown = () => {
    const answer = info()
    return answer?.ok === false && !says.has(answer.error.code)
  }
  createEffect(() => {
    if (!isUnknown() || info.state !== 'ready') return
    const timer = setTimeout(() => void refetch(), retryDelayMs)
    onCleanup(() => clearTimeout(timer))
  })
  async function join() {
    await callWithRetry(chat.client, 'room.join', { room: props.room })
    await chat.rooms.refresh()
  }
  return (
    <div class="nothing">
      <Switch fallback={<p role="status">{t('room.loading')}</p>}>
        <Match when={found()}>
          {(room) => (
            <>
              <h1>{room().name}</h1>
              <button type="button" class="button primary" onClick={() => void chat.attempt(join)}>
                {t('room.joinToRead')}
              </button>
            </>
          )}
        </Match>
        <Match when={isUnknown()}>
          <p role="alert">{t('room.failed')}</p>
          <button type="button" class="button" onClick={() => void refetch()}>
            {t('login.retry')}
          </button>
        </Match>
        <Match when={info.state === 'ready'}>
          <h1>{t('room.notFound')}</h1>
          <p>{t('room.forbidden')}</p>
        </Match>
      </Switch>
      <BackButton />
    </div>
  )
}
