import type { RoomId } from '#schema/ids'
import type { NotifyLevel } from '#schema/messages/prefs'
import type { MyRoom } from '#schema/messages/room'
import type { Preferences } from './createPreferences.ts'

export type { NotifyLevel }

export type NotificationPrefs = ReturnType<typeof createNotificationPrefs>

export function createNotificationPrefs({ all, set }: Preferences) {
  const everywhere = (): NotifyLevel => all().notify ?? 'mentions'

  const ownOf = (room: RoomId): NotifyLevel | undefined => {
    const { rooms = {} } = all()
    return Object.hasOwn(rooms, room) ? (rooms[room] ?? undefined) : undefined
  }

  function isMuted({ id, isRequest, isBlocked }: MyRoom): boolean {
    return ownOf(id) === 'none' || isRequest === true || isBlocked === true
  }

  return {
    everywhere,
    setEverywhere: (notify: NotifyLevel) => set({ notify }),
    ownOf,
    /** With undefined, the level `everywhere` applies to the room. */
    setOwn: (room: RoomId, level: NotifyLevel | undefined) =>
      set({ rooms: { [room]: level ?? null } }),
    levelOf: (room: RoomId): NotifyLevel => ownOf(room) ?? everywhere(),
    isMuted,
    badgeCountOf(room: MyRoom): number {
      if (isMuted(room)) return 0
      const own = ownOf(room.id)
      return room.kind === 'direct' || own === 'all' ? room.unread : room.mentions
    },
  }
}
