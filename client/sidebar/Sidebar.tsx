import './sidebar.css'
import { createEffect, For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { pathOf, useRoute } from '../routing/createRoute.ts'
import type { OpenDialog } from '../routing/dialogs.ts'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'
import { keyLabels } from '../ui/keyLabels.ts'
import { lazyPart } from '../ui/lazyPart.tsx'
import { AccountButton } from './AccountButton.tsx'
import type { RoomLists } from './createRoomLists.ts'
import { RoomLink } from './RoomLink.tsx'

const BrowseRooms = lazyPart(async () => (await import('../rooms/BrowseRooms.tsx')).BrowseRooms)
const CreateRoom = lazyPart(async () => (await import('../rooms/CreateRoom.tsx')).CreateRoom)
const Invitations = lazyPart(async () => (await import('./Invitations.tsx')).Invitations)
const FindUserDialog = lazyPart(
  async () => (await import('../people/UserSearch.tsx')).FindUserDialog,
)

export function Sidebar(props: {
  lists: RoomLists
  open: OpenDialog | undefined
  onOpen: (dialog: OpenDialog) => void
  onClose: () => void
  onLogout: () => void
}) {
  const chat = useChat()
  const router = useRoute()
  const { t } = useLanguage()
  createEffect(() => {
    for (const { id } of props.lists.directs().slice(0, 30)) chat.presence.ensureLoaded(id)
  })

  return (
    <nav class="sidebar" aria-label={t('rooms.title')}>
      <header class="sidebar-top">
        <img src="/icon.svg" alt="" width="26" height="26" />
        <span class="brand">{t('app.name')}</span>
        <IconButton
          icon="search"
          label={t('switcher.label')}
          data-tip={`${t('switcher.label')} (${keyLabels(t).switcher})`}
          onClick={() => props.onOpen('switcher')}
        />
      </header>

      <div class="sidebar-lists">
        <Show when={chat.rooms.invitations().length > 0 || props.lists.requests().length > 0}>
          <Invitations>
            <For each={props.lists.requests()}>{(room) => <RoomLink room={room} />}</For>
          </Invitations>
        </Show>
        <section aria-labelledby="rooms-title">
          <div class="list-head">
            <h2 id="rooms-title">{t('rooms.title')}</h2>
            <IconButton
              icon="compass"
              label={t('rooms.browse')}
              onClick={() => props.onOpen('browse')}
            />
            <IconButton
              icon="plus"
              label={t('rooms.create')}
              onClick={() => props.onOpen('create')}
            />
          </div>
          <ul>
            <For each={props.lists.rooms()}>{(room) => <RoomLink room={room} />}</For>
          </ul>
          <Show when={chat.rooms.isLoaded() && props.lists.rooms().length === 0}>
            <p class="list-empty">
              {t('rooms.empty')}{' '}
              <button type="button" class="text-button" onClick={() => props.onOpen('browse')}>
                {t('rooms.browse')}
              </button>
            </p>
          </Show>
        </section>

        <section aria-labelledby="directs-title">
          <div class="list-head">
            <h2 id="directs-title">{t('rooms.direct')}</h2>
            <IconButton
              icon="plus"
              label={t('rooms.message')}
              onClick={() => props.onOpen('direct')}
            />
          </div>
          <ul>
            <For each={props.lists.directs()}>{(room) => <RoomLink room={room} />}</For>
          </ul>
        </section>
      </div>

      <Show when={chat.isAdmin}>
        <a
          class="room-link console-link"
          href={pathOf({ console: 'functions' })}
          aria-current={router.route().console === undefined ? undefined : 'page'}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            router.go({ console: 'functions' })
          }}
        >
          <Icon name="pulse" />
          {t('rooms.console')}
        </a>
      </Show>
      <AccountButton onOpen={props.onOpen} onLogout={props.onLogout} />

      <CreateRoom isOpen={props.open === 'create'} onClose={props.onClose} />
      <BrowseRooms isOpen={props.open === 'browse'} onClose={props.onClose} />
      <FindUserDialog isOpen={props.open === 'direct'} onClose={props.onClose} />
    </nav>
  )
}
