import { Show } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'

const RoomMenu = lazyMenu(async () => (await import('../rooms/RoomMenu.tsx')).RoomMenu)

export function RoomHeader(props: {
  room: MyRoom
  isMembersOpen: boolean
  onToggle: (panel: 'members' | 'apps') => void
}) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  return (
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
      <h1 id="room-title" class="cut" dir="auto">
        {chat.titleOf(props.room)}
      </h1>
      <Show when={props.room.with}>
        {(user) => <StatusText user={user()} room={props.room.id} />}
      </Show>
      <IconButton
        icon="people"
        label={t('room.details')}
        aria-pressed={props.isMembersOpen}
        onClick={() => props.onToggle('members')}
      />
      <RoomMenu
        room={props.room}
        class="icon-button"
        label={t('links.roomMenu')}
        onApps={() => props.onToggle('apps')}
      >
        <Icon name={chat.notify.isMuted(props.room) ? 'bellOff' : 'more'} />
      </RoomMenu>
    </header>
  )
}
