import { createEffect, createMemo, createResource, createSignal, For, Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import type { MyRoom, RoomKind } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from './Avatar.tsx'
import { usePlace } from './createPlace.ts'
import { Icon } from './Icon.tsx'
import { ModalDialog } from './ModalDialog.tsx'

const [most, mostLetters] = [12, 64]

/** Where one may go: to a room of ours, to one that can be joined, to somebody. */
interface Goal {
  title: string
  kind: RoomKind
  /** Who it is, where it is somebody. */
  user?: UserId | undefined
  /** Where the title is not enough. */
  note?: string
  mine?: MyRoom
  find: () => RoomId | Promise<RoomId>
}

/** Goes to any room by a few letters of its name. */
export function Switcher(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <ModalDialog isOpen={props.isOpen} onClose={props.onClose} title={t('switcher.label')}>
      <Choices onClose={props.onClose} />
    </ModalDialog>
  )
}

function Choices(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = usePlace()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const [at, setAt] = createSignal(0)
  const wanted = () => text().trim().toLowerCase().slice(0, mostLetters)
  const ours = createMemo((): Goal[] =>
    chat.rooms
      .list()
      .map((room) => ({ room, title: chat.titleOf(room) }))
      .filter(({ room, title }) => `${title} ${room.id}`.toLowerCase().includes(wanted()))
      .sort((a, b) => rank(b.room) - rank(a.room) || b.room.lastSeq - a.room.lastSeq)
      .map(({ room, title }) => ({
        title,
        kind: room.kind,
        user: room.with,
        mine: room,
        find: () => room.id,
      })),
  )
  const [others] = createResource(
    () => wanted() || undefined,
    async (searched): Promise<Goal[]> => {
      const [people, rooms] = await Promise.all([
        chat.client.try('users.search', { text: searched }),
        chat.client.try('room.browse', { text: searched }),
      ])
      const known = new Set(chat.rooms.list().map((room) => room.with))
      return [
        ...(people.ok ? people.value.users : [])
          .filter(({ userId }) => !known.has(userId))
          .map(({ userId, name }) => toPerson(userId, name)),
        ...(rooms.ok ? rooms.value.rooms : [])
          .filter(({ joined }) => !joined)
          .map(({ id, name, kind }) => ({
            title: name,
            kind,
            note: t('rooms.join'),
            find: () => id,
          })),
      ]
    },
  )
  const toPerson = (user: UserId, title: string): Goal => ({
    title,
    kind: 'direct',
    user,
    note: `@${user}`,
    find: () => chat.rooms.openDirect(user),
  })
  const found = createMemo(() =>
    [...ours(), ...(wanted() ? (others.latest ?? []) : [])].slice(0, most),
  )
  createEffect(() => {
    text()
    setAt(0)
  })

  function pick(index: number) {
    const chosen = found()[index]
    if (!chosen) return
    void chat.attempt(async () => {
      const room = await chosen.find()
      props.onClose()
      go({ room })
    })
  }

  function onKey(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt((now) => (now + step + found().length) % Math.max(1, found().length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      pick(at())
    }
  }

  return (
    <div class="form">
      <input
        class="input"
        role="combobox"
        aria-expanded="true"
        aria-controls="switcher-list"
        aria-activedescendant={found().length > 0 ? `switcher-${at()}` : undefined}
        aria-label={t('switcher.hint')}
        placeholder={t('switcher.hint')}
        autocomplete="off"
        value={text()}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={onKey}
      />
      <div id="switcher-list" class="picks" role="listbox" aria-label={t('switcher.label')}>
        <For
          each={found()}
          fallback={
            <Show when={!others.loading}>
              <p class="list-empty">{t('switcher.nothing')}</p>
            </Show>
          }
        >
          {({ title, kind, user, note, mine }, index) => (
            <div
              id={`switcher-${index()}`}
              class="pick"
              classList={{
                'is-unread': mine !== undefined && mine.unread > 0 && !chat.notify.isMuted(mine.id),
              }}
              role="option"
              tabIndex={-1}
              aria-selected={index() === at()}
              onPointerMove={() => setAt(index())}
              onClick={() => pick(index())}
              onKeyDown={onKey}
            >
              <Show when={user} fallback={<Icon name={kind === 'private' ? 'lock' : 'hash'} />}>
                {(somebody) => <Avatar user={somebody()} hasStatus isSmall />}
              </Show>
              <span class="pick-text">
                <strong>{title}</strong>
              </span>
              <Show when={note}>
                <span class="muted">{note}</span>
              </Show>
              <Show when={(mine?.unread ?? 0) > 0 && mine}>
                {(room) => (
                  <span class="badge" classList={{ 'is-quiet': chat.notify.loudIn(room()) === 0 }}>
                    {room().unread > 99 ? '99+' : room().unread}
                  </span>
                )}
              </Show>
            </div>
          )}
        </For>
      </div>
    </div>
  )
}

function rank({ unread, mentions }: { unread: number; mentions: number }): number {
  return mentions > 0 ? 2 : unread > 0 ? 1 : 0
}
