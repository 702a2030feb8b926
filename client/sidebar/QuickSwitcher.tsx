import { createMemo, createResource, createSignal, Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import type { MyRoom, RoomKind } from '#schema/messages/room'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { matchRank, normalizeForSearch } from '../text/matching.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { type SearchItem, SearchList } from '../ui/SearchList.tsx'

const [maxResults, maxQueryLength] = [12, 64]

/** Where one may go: to a room of ours, to one that can be joined, to somebody. */
interface SwitcherItem extends SearchItem {
  kind: RoomKind
  /** Who it is, where it is somebody. */
  user?: UserId | undefined
  /** Where the title is not enough. */
  note?: string
  mine?: MyRoom
  find: () => RoomId | Promise<RoomId>
}

/** Goes to any room by a few letters of its name. */
export function QuickSwitcher(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('switcher.label')}>
      <Choices onClose={props.onClose} />
    </Dialog>
  )
}

function Choices(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const wanted = () => text().trim().toLowerCase().slice(0, maxQueryLength)
  const ours = createMemo((): SwitcherItem[] =>
    chat.rooms
      .list()
      .map((room) => ({ room, title: chat.titleOf(room), id: room.with ?? room.id }))
      .filter(({ title, id }) =>
        normalizeForSearch(`${title} ${id}`).includes(normalizeForSearch(wanted())),
      )
      // What begins so is likelier to be meant than what has it in its middle.
      .map((found) => ({ ...found, fit: matchRank(wanted(), found.id, found.title) ?? 2 }))
      .sort(
        (a, b) => a.fit - b.fit || rank(b.room) - rank(a.room) || b.room.lastSeq - a.room.lastSeq,
      )
      .map(({ room, title }) => ({
        key: room.id,
        title,
        kind: room.kind,
        user: room.with,
        mine: room,
        find: () => room.id,
      })),
  )
  const [others] = createResource(
    () => wanted() || undefined,
    async (searched): Promise<SwitcherItem[]> => {
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
            key: id,
            title: name,
            kind,
            note: t('rooms.join'),
            find: () => id,
          })),
      ]
    },
  )
  const fits = ({ title, key }: SwitcherItem) =>
    wanted() !== '' && normalizeForSearch(`${title} ${key}`).includes(normalizeForSearch(wanted()))
  const toPerson = (user: UserId, title: string): SwitcherItem => ({
    key: `@${user}`,
    title,
    kind: 'direct',
    user,
    note: `@${user}`,
    find: () => chat.rooms.openDirect(user),
  })
  const found = createMemo(() =>
    // What was found for other letters is shown as far as it fits these.
    [...ours(), ...(others.latest ?? []).filter(fits)].slice(0, maxResults),
  )
  const isUnread = ({ mine }: SwitcherItem) =>
    mine !== undefined && mine.unread > 0 && !chat.notify.isMuted(mine.id)

  function pick(chosen: SwitcherItem) {
    void chat.attempt(async () => {
      const room = await chosen.find()
      props.onClose()
      go({ room })
    })
  }

  return (
    <SearchList
      label={t('switcher.hint')}
      title={t('switcher.label')}
      options={found()}
      onText={setText}
      onPick={pick}
      classOf={(goal) => (isUnread(goal) ? 'is-unread' : '')}
      empty={
        <Show when={!others.loading}>
          <p class="list-empty">{t('switcher.nothing')}</p>
        </Show>
      }
    >
      {({ title, kind, user, note, mine }) => (
        <>
          <Show when={user} fallback={<Icon name={kind === 'private' ? 'lock' : 'hash'} />}>
            {(somebody) => <Avatar user={somebody()} hasStatus isSmall />}
          </Show>
          <span class="pick-text">
            <strong>{title}</strong>
          </span>
          <Show when={user}>{(somebody) => <StatusText user={somebody()} />}</Show>
          <Show when={note}>
            <span class="muted">{note}</span>
          </Show>
          <Show when={(mine?.unread ?? 0) > 0 && mine}>
            {(room) => (
              <span
                class="badge"
                classList={{ 'is-quiet': chat.notify.badgeCountOf(room()) === 0 }}
              >
                {room().unread > 99 ? '99+' : room().unread}
              </span>
            )}
          </Show>
        </>
      )}
    </SearchList>
  )
}

function rank({ unread, mentions }: { unread: number; mentions: number }): number {
  return mentions > 0 ? 2 : unread > 0 ? 1 : 0
}
