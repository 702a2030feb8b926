import { Show } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import { pathOf, useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'

const RoomMenu = lazyMenu(async () => (await import('../rooms/RoomMenu.tsx')).RoomMenu)

export function RoomLink(props: { room: MyRoom }) {
  const chat = useChat()
  const { route, go } = useRoute()
  const { t, tn } = useLanguage()
  const openMention = () =>
    import('../conversation/goToMention.ts').then(
      ({ goToMentionInThread }) => goToMentionInThread(chat, props.room.id, { route, go }),
      () => undefined,
    )
  const isHere = () => route().room === props.room.id
  const loudCount = () => chat.notify.badgeCountOf(props.room)
  const isMuted = () => chat.notify.isMuted(props.room)
  const count = () => loudCount() || (isMuted() ? 0 : props.room.unread)
  return (
    <li class="room-item">
      <a
        class="room-link"
        href={pathOf({ room: props.room.id })}
        aria-current={isHere() ? 'page' : undefined}
        classList={{ 'is-unread': props.room.unread > 0 && !isMuted(), 'is-muted': isMuted() }}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return
          event.preventDefault()
          go({ room: props.room.id })
          if (props.room.mentions > 0) void openMention()
        }}
      >
        <Show
          when={props.room.with}
          fallback={<Icon name={props.room.kind === 'private' ? 'lock' : 'hash'} />}
        >
          {(user) => <Avatar user={user()} room={props.room.id} hasStatus isSmall />}
        </Show>
        <span class="room-name cut" dir="auto">
          {chat.titleOf(props.room)}
        </span>
        <Show when={props.room.with}>
          {(user) => <StatusText user={user()} room={props.room.id} />}
        </Show>
        <Show when={!isHere() && chat.drafts.isIn(props.room.id)}>
          <Icon name="edit" />
          <span class="visually-hidden">{t('rooms.draft')}</span>
        </Show>
        <Show when={isMuted()}>
          <Icon name="bellOff" />
          <span class="visually-hidden">{t('notify.muted')}</span>
        </Show>
        <Show when={count()}>
          {(shown) => (
            <span class="badge" classList={{ 'is-quiet': loudCount() === 0 }} aria-hidden="true">
              {shown() > 99 ? '99+' : shown()}
            </span>
          )}
        </Show>
        <Show when={props.room.unread > 0}>
          <span class="visually-hidden">
            {tn('rooms.unread', props.room.unread)}
            {props.room.mentions > 0 ? `, ${tn('rooms.mentions', props.room.mentions)}` : ''}
          </span>
        </Show>
      </a>
      <RoomMenu
        room={props.room}
        class="icon-button room-more"
        label={t('rooms.menu', { room: chat.titleOf(props.room) })}
      >
        <Icon name="more" />
      </RoomMenu>
    </li>
  )
}
