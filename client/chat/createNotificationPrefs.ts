import { onCleanup } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { LocalStore } from './localStore.ts'

export type NotifyLevel = 'all' | 'mentions' | 'none'

export type NotificationPrefs = ReturnType<typeof createNotificationPrefs>

interface NotifyLevels {
  everywhere: NotifyLevel
  rooms: Record<string, NotifyLevel>
}

const key = 'notify'
const defaultLevels: NotifyLevels = { everywhere: 'mentions', rooms: {} }

/** Notification levels, stored in this browser only and shared by its tabs. */
export function createNotificationPrefs(store: LocalStore) {
  const read = (): NotifyLevels => ({ ...defaultLevels, ...store.readNow<NotifyLevels>(key) })
  const [levels, setLevels] = createStore<NotifyLevels>(read())
  onCleanup(store.watchNow(key, () => setLevels(reconcile(read()))))

  function change(to: NotifyLevels) {
    setLevels(reconcile(to))
    store.writeNow(key, to)
  }

  return {
    everywhere: () => levels.everywhere,
    setEverywhere: (level: NotifyLevel) => change({ ...read(), everywhere: level }),
    ownOf: (room: RoomId): NotifyLevel | undefined => levels.rooms[room],
    /** With undefined, the level `everywhere` applies to the room. */
    setOwn(room: RoomId, level: NotifyLevel | undefined) {
      const { [room]: _, ...rooms } = read().rooms
      change({ ...read(), rooms: level === undefined ? rooms : { ...rooms, [room]: level } })
    },
    levelOf: (room: RoomId): NotifyLevel => levels.rooms[room] ?? levels.everywhere,
    isMuted: (room: RoomId) => levels.rooms[room] === 'none',
    /** Returns how many unread messages of a room the title badge counts. */
    badgeCountOf(room: MyRoom): number {
      if (levels.rooms[room.id] === 'none') return 0
      const countsAll = room.kind === 'direct' || levels.rooms[room.id] === 'all'
      return countsAll ? room.unread : room.mentions
    },
  }
}
