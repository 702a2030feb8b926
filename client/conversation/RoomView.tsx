import './room.css'
import { createResource, createSignal, Show } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import type { MyRoom } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { OpenAppContext } from '../apps/openApp.ts'
import { useChat } from '../chat/createChat.ts'
import { Composer } from '../composer/Composer.tsx'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ConversationContext, createConversation } from '../messages/createConversation.ts'
import { linkedMessageOf } from '../messages/createLinkedMessage.ts'
import { createMessageAnnouncer } from '../messages/createMessageAnnouncer.ts'
import { MessageDialogs } from '../messages/MessageDialogs.tsx'
import { MessageList } from '../messages/MessageList.tsx'
import { useRoute } from '../routing/createRoute.ts'
import type { OpenDialog } from '../routing/dialogs.ts'
import { lazyPart } from '../ui/lazyPart.tsx'
import { RoomHeader } from './RoomHeader.tsx'

const MembersPanel = lazyPart(
  async () => (await import('../members/MembersPanel.tsx')).MembersPanel,
)
const AppsPanel = lazyPart(async () => (await import('../apps/AppsPanel.tsx')).AppsPanel)
const ReadOnlyBar = lazyPart(async () => (await import('./ReadOnlyBar.tsx')).ReadOnlyBar)
const ThreadPanel = lazyPart(async () => (await import('./ThreadPanel.tsx')).ThreadPanel)
const NotMemberView = lazyPart(async () => (await import('./NotMemberView.tsx')).NotMemberView)
const UnreadBar = lazyPart(async () => (await import('./UnreadBar.tsx')).UnreadBar)

export function RoomView(props: { room: RoomId; onOpen: (dialog: OpenDialog) => void }) {
  const chat = useChat()
  const room = () => chat.rooms.byId(props.room)
  return (
    <Show when={room()} fallback={<NotMemberView room={props.room} onOpen={props.onOpen} />}>
      {(joined) => <MemberView room={joined()} />}
    </Show>
  )
}

function MemberView(props: { room: MyRoom }) {
  const chat = useChat()
  const id = props.room.id
  const [cached] = createResource(async () => (await chat.readCachedPage(id)) ?? null)
  return (
    <Show when={cached.state === 'ready'}>
      <Conversation room={props.room} page={cached.latest ?? undefined} />
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
  const [panel, setPanel] = createSignal<'members' | 'apps'>()
  /** The app that runs in the panel `apps`; undefined while it lists the apps. */
  const [app, setApp] = createSignal<AppId>()
  const conversation = createConversation({
    chat,
    room: props.room,
    page: props.page,
    isTargeted: linkedMessageOf(route()) !== undefined,
  })
  createMessageAnnouncer(chat, conversation)
  const title = () => chat.titleOf(props.room)
  const shown = () => (route().thread === undefined ? panel() : undefined)
  const toggle = (name: 'members' | 'apps') => {
    setPanel(shown() === name ? undefined : name)
    setApp()
    if (route().thread !== undefined) go({ room: props.room.id })
  }
  const openApp = (id: AppId) => {
    setPanel('apps')
    setApp(() => id)
    if (route().thread !== undefined) go({ room: props.room.id })
  }
  /**
   * In the message list, Escape marks the room as read. In the side panel or in an empty composer,
   * it closes the side panel.
   */
  const onKey = (event: KeyboardEvent) => {
    const { target } = event
    if (event.key !== 'Escape' || event.shiftKey || event.defaultPrevented) return
    // Menus and dialogs are rendered outside the room and handle Escape themselves.
    if (!(target instanceof HTMLElement) || !target.closest('.room')) return
    const isInPanel = target.closest('.panel') !== null
    if (target.closest('[role="log"]') && !isInPanel)
      return chat.rooms.markEverythingRead(props.room)
    if (!isInPanel && !(target instanceof HTMLTextAreaElement && target.value === '')) return
    if (!panel() && route().thread === undefined) return
    event.preventDefault()
    setPanel()
    go({ room: props.room.id })
    document.getElementById('composer')?.focus()
  }
  const mayWrite = () =>
    hasRight(props.room, 'speak') &&
    !props.room.isRequest &&
    chat.identity.roles.some((role) => role === 'user' || role === 'admin')

  return (
    <ConversationContext.Provider value={conversation}>
      <OpenAppContext.Provider value={openApp}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: handles key events that bubble from inside */}
        <div
          class="room"
          onKeyDown={onKey}
          classList={{ 'has-panel': panel() !== undefined || route().thread !== undefined }}
        >
          <section class="room-main" aria-labelledby="room-title">
            <RoomHeader room={props.room} isMembersOpen={shown() === 'members'} onToggle={toggle} />
            <UnreadBar room={props.room} />
            <MessageList title={title()} />
            <Show when={mayWrite()} fallback={<ReadOnlyBar room={props.room} />}>
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
          <Show when={shown() === 'members'}>
            <MembersPanel room={props.room} onClose={() => setPanel()} />
          </Show>
          <Show when={shown() === 'apps'}>
            <AppsPanel
              room={props.room}
              openId={app()}
              onOpen={setApp}
              onClose={() => setPanel()}
            />
          </Show>
        </div>
        <MessageDialogs />
      </OpenAppContext.Provider>
    </ConversationContext.Provider>
  )
}
