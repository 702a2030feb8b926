import './userCard.css'
import { Popover } from '@kobalte/core/popover'
import { Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { Avatar } from './Avatar.tsx'
import { useUserCard } from './createUserCard.ts'

export function UserCard() {
  const card = useUserCard()
  return (
    <Show when={card.shown()} keyed>
      {({ user, anchor }) => (
        <Popover
          open
          onOpenChange={(isOpen) => isOpen || card.close()}
          getAnchorRect={() => anchor.getBoundingClientRect()}
          placement="bottom-start"
          gutter={6}
        >
          <Popover.Portal>
            <Popover.Content
              class="menu card"
              onCloseAutoFocus={(event) => {
                event.preventDefault()
                const origin = anchor.closest<HTMLElement>('button, article')
                if (origin?.isConnected) origin.focus({ preventScroll: true })
              }}
            >
              <CardContent user={user} />
            </Popover.Content>
          </Popover.Portal>
        </Popover>
      )}
    </Show>
  )
}

function CardContent(props: { user: UserId }) {
  const chat = useChat()
  const card = useUserCard()
  const { go, route } = useRoute()
  const { t } = useLanguage()
  // The card is opened from a room, so its user is or was a member of that room.
  const status = () => chat.presence.statusOf(props.user, route().room)
  const openDirect = () =>
    chat.attempt(async () => {
      const room = await chat.rooms.openDirect(props.user)
      card.close()
      go({ room })
    })
  return (
    <>
      <div class="card-head">
        <Avatar user={props.user} room={route().room} hasStatus />
        <div class="pick-text">
          <Popover.Title class="card-name cut" dir="auto">
            {chat.people.name(props.user)}
          </Popover.Title>
          <Popover.Description class="muted">
            @{chat.people.handle(props.user)}
            <Show when={status()}>{(current) => <> · {t(`status.${current()}`)}</>}</Show>
          </Popover.Description>
        </div>
      </div>
      <Show when={props.user !== chat.me}>
        <button type="button" class="button" onClick={() => void openDirect()}>
          <Icon name="send" />
          {t('members.message')}
        </button>
      </Show>
    </>
  )
}
