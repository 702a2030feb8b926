import { onCleanup } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { LocalStore } from './localStore.ts'

export type NotifyLevel = 'all' | 'mentions' | 'none'

export type NotificationPrefs = ReturnType<typeof createNotificationPrefs>

interface NotifyLevels {
  everywhere: NotifyLevel
  /** Where it is not as everywhere else. */
  rooms: Record<string, NotifyLevel>
}

const key = 'notify'
const defaultLevels: NotifyLevels = { everywhere: 'mentions', rooms: {} }

/**
 * What somebody wants to be told of: everywhere, and in rooms where they want something else. It is
 * kept by this browser for this person, for all its tabs; nobody else learns which rooms they follow.
 */
export function createNotificationPrefs(store: LocalStore) {
  const read = (): NotifyLevels => ({ ...defaultLevels, ...store.readNow<NotifyLevels>(key) })
  const [choices, setChoices] = createStore<NotifyLevels>(read())
  onCleanup(store.watchNow(key, () => setChoices(reconcile(read()))))

  function change(to: NotifyLevels) {
    setChoices(reconcile(to))
    store.writeNow(key, to)
  }

  return {
    everywhere: () => choices.everywhere,
    setEverywhere: (level: NotifyLevel) => change({ ...read(), everywhere: level }),
    /** What was chosen for this room alone. */
    ownOf: (room: RoomId): NotifyLevel | undefined => choices.rooms[room],
    /** Undefined is as everywhere else. */
    setOwn(room: RoomId, level: NotifyLevel | undefined) {
      const { [room]: _, ...rooms } = read().rooms
      change({ ...read(), rooms: level === undefined ? rooms : { ...rooms, [room]: level } })
    },
    levelOf: (room: RoomId): NotifyLevel => choices.rooms[room] ?? choices.everywhere,
    isMuted: (room: RoomId) => choices.rooms[room] === 'none',
    /** How much of what is unread in a room calls for them. */
    loudIn(room: MyRoom): number {
      if (choices.rooms[room.id] === 'none') return 0
      const isEverything = room.kind === 'direct' || choices.rooms[room.id] === 'all'
      return isEverything ? room.unread : room.mentions
    },
  }
}
