import './userCard.css'
import { Popover } from '@kobalte/core/popover'
import { createResource, createSignal, Match, Show, Switch } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { latestOf } from '../ui/SearchStatus.tsx'
import { Avatar } from './Avatar.tsx'
import { setBlocked } from './contacts.ts'
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
  const status = () => chat.presence.statusOf(props.user, route().room)
  const openDirect = () =>
    chat.attempt(async () => {
      const room = await chat.rooms.openDirect(props.user)
      card.close()
      go({ room })
    })
  const [changed, setChanged] = createSignal<boolean>()
  // The room list marks a blocked user only in the direct room with this user, which may not exist.
  // So the card itself remembers whether the user was blocked or unblocked in it.
  const isBlocked = () =>
    changed() ?? chat.rooms.list().some((room) => room.with === props.user && room.isBlocked)
  const [profile, { refetch }] = createResource(async () => {
    const { users } = await callWithRetry(chat.client, 'users.names', { userIds: [props.user] })
    return users[0]
  })
  const isDeactivated = () => latestOf(profile)?.deactivated === true
  const toggleBlock = () =>
    chat.attempt(async () => {
      const isWanted = !isBlocked()
      await setBlocked(chat, props.user, isWanted)
      setChanged(isWanted)
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
            <Show
              when={isDeactivated()}
              fallback={
                <Show when={status()}>{(current) => <> · {t(`status.${current()}`)}</>}</Show>
              }
            >
              {' · '}
              {t('people.deactivated')}
            </Show>
          </Popover.Description>
        </div>
      </div>
      <Show when={props.user !== chat.me}>
        <button type="button" class="button" onClick={() => void openDirect()}>
          <Icon name="send" />
          {t('members.message')}
        </button>
        <button type="button" class="button" onClick={() => void toggleBlock()}>
          {t(isBlocked() ? 'invitations.unblock' : 'invitations.block')}
        </button>
        <Show when={chat.isAdmin}>
          <DeactivateButton
            user={props.user}
            isDeactivated={isDeactivated()}
            onChanged={async () => void (await refetch())}
          />
        </Show>
      </Show>
    </>
  )
}

function DeactivateButton(props: {
  user: UserId
  isDeactivated: boolean
  onChanged: () => Promise<void>
}) {
  const chat = useChat()
  const { t } = useLanguage()
  const [isConfirming, setConfirming] = createSignal(false)
  const change = (name: 'admin.deactivate' | 'admin.reactivate') =>
    chat.attempt(async () => {
      await chat.client.call(name, { userId: props.user })
      setConfirming(false)
      await props.onChanged()
    })
  return (
    <Switch
      fallback={
        <button type="button" class="button danger" onClick={() => setConfirming(true)}>
          {t('people.deactivate')}
        </button>
      }
    >
      <Match when={props.isDeactivated}>
        <button type="button" class="button" onClick={() => void change('admin.reactivate')}>
          {t('people.reactivate')}
        </button>
      </Match>
      <Match when={isConfirming()}>
        <p role="alert">{t('people.confirmDeactivate', { name: chat.people.name(props.user) })}</p>
        <button type="button" class="button danger" onClick={() => void change('admin.deactivate')}>
          {t('people.deactivate')}
        </button>
      </Match>
    </Switch>
  )
}
