import { createSignal, onCleanup } from 'solid-js'
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
  const [levels, setLevels] = createSignal(read())
  onCleanup(store.watchNow(key, () => setLevels(read())))

  function change(to: NotifyLevels) {
    setLevels(to)
    store.writeNow(key, to)
  }

  const ownOf = (room: RoomId): NotifyLevel | undefined => {
    const { rooms } = levels()
    return Object.hasOwn(rooms, room) ? rooms[room] : undefined
  }

  return {
    everywhere: () => levels().everywhere,
    setEverywhere: (level: NotifyLevel) => change({ ...read(), everywhere: level }),
    ownOf,
    /** With undefined, the level `everywhere` applies to the room. */
    setOwn(room: RoomId, level: NotifyLevel | undefined) {
      const { [room]: _, ...rooms } = read().rooms
      change({ ...read(), rooms: level === undefined ? rooms : { ...rooms, [room]: level } })
    },
    levelOf: (room: RoomId): NotifyLevel => ownOf(room) ?? levels().everywhere,
    isMuted: (room: RoomId) => ownOf(room) === 'none',
    /** Returns how many unread messages of a room the title badge counts. */
    badgeCountOf(room: MyRoom): number {
      if (ownOf(room.id) === 'none') return 0
      const countsAll = room.kind === 'direct' || ownOf(room.id) === 'all'
      return countsAll ? room.unread : room.mentions
    },
  }
}
