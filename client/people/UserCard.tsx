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

/** Somebody, a little closer: what they are called, whether they are there, and a way to talk to them. */
export function UserCard() {
  const card = useUserCard()
  return (
    <Show when={card.shown()} keyed>
      {({ user, beside }) => (
        <Popover
          open
          onOpenChange={(isOpen) => isOpen || card.close()}
          getAnchorRect={() => beside.getBoundingClientRect()}
          placement="bottom-start"
          gutter={6}
        >
          <Popover.Portal>
            <Popover.Content
              class="menu card"
              onCloseAutoFocus={(event) => {
                event.preventDefault()
                const place = beside.closest<HTMLElement>('button, article')
                if (place?.isConnected) place.focus({ preventScroll: true })
              }}
            >
              <About user={user} />
            </Popover.Content>
          </Popover.Portal>
        </Popover>
      )}
    </Show>
  )
}

function About(props: { user: UserId }) {
  const chat = useChat()
  const card = useUserCard()
  const { go, route } = useRoute()
  const { t } = useLanguage()
  // Whoever has a card in a room is, or was, of it.
  const status = () => chat.presence.statusOf(props.user, route().room)
  const talk = () =>
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
          <Popover.Title class="card-name">{chat.people.name(props.user)}</Popover.Title>
          <Popover.Description class="muted">
            @{props.user}
            <Show when={status()}>{(known) => <> · {t(`status.${known()}`)}</>}</Show>
          </Popover.Description>
        </div>
      </div>
      <Show when={props.user !== chat.me}>
        <button type="button" class="button" onClick={() => void talk()}>
          <Icon name="send" />
          {t('members.talk')}
        </button>
      </Show>
    </>
  )
}
