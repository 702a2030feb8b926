import { createMemo, createResource, createSignal, Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import type { MyRoom, RoomKind } from '#schema/messages/room'
import type { User } from '#schema/messages/user'
import { useChat } from '../chat/createChat.ts'
import { byActivity } from '../chat/createRoomList.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import { useRoute } from '../routing/createRoute.ts'
import { includesText, matchRank } from '../text/matching.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { type SearchItem, SearchList } from '../ui/SearchList.tsx'

const [maxResults, maxQueryLength] = [12, 64]

interface SwitcherItem extends SearchItem {
  kind: RoomKind
  user?: UserId | undefined
  note?: string
  ownRoom?: MyRoom
  openRoom: () => RoomId | Promise<RoomId>
}

export function QuickSwitcher(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('switcher.label')}>
      <SwitcherList onClose={props.onClose} />
    </Dialog>
  )
}

function SwitcherList(props: { onClose: () => void }) {
  const chat = useChat()
  const { go } = useRoute()
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const query = () => text().trim().toLowerCase().slice(0, maxQueryLength)
  const ownRooms = createMemo((): SwitcherItem[] =>
    chat.rooms
      .list()
      .map((room) => ({
        room,
        title: chat.titleOf(room),
        id: room.with === undefined ? room.id : chat.people.handle(room.with),
      }))
      .map((match) => ({ ...match, rank: matchRank(query(), match.id, match.title) }))
      .filter(
        ({ title, id, rank }) => rank !== undefined || includesText(`${title} ${id}`, query()),
      )
      .sort(
        (a, b) =>
          (a.rank ?? 2) - (b.rank ?? 2) ||
          unreadRank(b.room) - unreadRank(a.room) ||
          byActivity(a.room, b.room),
      )
      .map(({ room, title }) => ({
        key: room.id,
        title,
        kind: room.kind,
        user: room.with,
        ownRoom: room,
        openRoom: () => room.id,
      })),
  )
  const [searchResults] = createResource(
    () => query() || undefined,
    async (text): Promise<SwitcherItem[]> => {
      const [people, rooms] = await Promise.all([
        chat.client.try('users.search', { text }),
        chat.client.try('room.browse', { text }),
      ])
      const directUsers = new Set(chat.rooms.list().map((room) => room.with))
      return [
        ...(people.ok ? people.value.users : [])
          .filter(({ userId }) => !directUsers.has(userId))
          .map(toPerson),
        ...(rooms.ok ? rooms.value.rooms : [])
          .filter(({ joined }) => !joined)
          .map(({ id, name, kind }) => ({
            key: id,
            title: name,
            kind,
            note: t('rooms.join'),
            openRoom: () => id,
          })),
      ]
    },
  )
  const matchesQuery = ({ title, key, note, user }: SwitcherItem) =>
    query() !== '' &&
    (user === undefined
      ? includesText(`${title} ${key}`, query())
      : matchRank(query(), note ?? '', title) !== undefined)
  const toPerson = ({ userId: user, name, handle }: User): SwitcherItem => ({
    key: `@${user}`,
    title: name,
    kind: 'direct',
    user,
    note: `@${handle}`,
    openRoom: () => chat.rooms.openDirect(user),
  })
  const options = createMemo(() =>
    [...ownRooms(), ...(searchResults.latest ?? []).filter(matchesQuery)].slice(0, maxResults),
  )
  const isUnread = ({ ownRoom }: SwitcherItem) =>
    ownRoom !== undefined && ownRoom.unread > 0 && !chat.notify.isMuted(ownRoom)

  function pick(item: SwitcherItem) {
    void chat.attempt(async () => {
      const room = await item.openRoom()
      props.onClose()
      go({ room })
    })
  }

  return (
    <SearchList
      label={t('switcher.hint')}
      title={t('switcher.label')}
      options={options()}
      onQuery={setText}
      onPick={pick}
      classOf={(item) => (isUnread(item) ? 'is-unread' : '')}
      empty={
        <Show when={!searchResults.loading}>
          <p class="list-empty">{t('switcher.nothing')}</p>
        </Show>
      }
    >
      {({ title, kind, user, note, ownRoom }) => (
        <>
          <Show when={user} fallback={<Icon name={kind === 'private' ? 'lock' : 'hash'} />}>
            {(other) => <Avatar user={other()} hasStatus isSmall />}
          </Show>
          <span class="pick-text">
            <strong class="cut" dir="auto">
              {title}
            </strong>
          </span>
          <Show when={user}>{(other) => <StatusText user={other()} />}</Show>
          <Show when={note}>
            <span class="muted">{note}</span>
          </Show>
          <Show when={(ownRoom?.unread ?? 0) > 0 && ownRoom}>
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

function unreadRank({ unread, mentions }: { unread: number; mentions: number }): number {
  return mentions > 0 ? 2 : unread > 0 ? 1 : 0
}
