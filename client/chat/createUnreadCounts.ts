import type { MessageId, RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { Refresh } from './createRefresh.ts'
import { applyCount, readThreads, startUnread, type Unread, type UnreadCount } from './unread.ts'

export function createUnreadCounts({ round, refreshSoon }: Refresh) {
  const counts = new Map<RoomId, Unread>()
  /**
   * For each room, the number of the last refresh that started before the read position changed: the
   * response to this refresh may contain the old position.
   */
  const readRounds = new Map<RoomId, number>()
  const threadRounds = new Map<RoomId, number>()

  const countOf = ({ readSeq, unread, mentions, lastSeq: asOf }: MyRoom): UnreadCount => ({
    readSeq,
    unread,
    mentions,
    asOf,
  })
  const of = (room: MyRoom): Unread => counts.get(room.id) ?? startUnread(countOf(room))

  return {
    of,
    set: (id: RoomId, unread: Unread) => void counts.set(id, unread),
    replace(rooms: readonly MyRoom[]) {
      const ids = new Set(rooms.map(({ id }) => id))
      for (const id of counts.keys()) if (!ids.has(id)) counts.delete(id)
      for (const room of rooms) {
        const current = counts.get(room.id)
        const isStale = readRounds.get(room.id) === round() && current?.readSeq !== room.readSeq
        if (!current) counts.set(room.id, startUnread(countOf(room)))
        else if (threadRounds.get(room.id) === round()) refreshSoon()
        else if (!isStale) counts.set(room.id, applyCount(current, countOf(room)))
        else if (room.lastSeq > current.asOf) refreshSoon()
      }
    },
    markRead(room: MyRoom, counted: UnreadCount): Unread {
      readRounds.set(room.id, round())
      return applyCount(of(room), counted)
    },
    markThreadsRead(room: MyRoom, upTo: number, threadId?: MessageId) {
      threadRounds.set(room.id, round())
      counts.set(room.id, readThreads(of(room), upTo, threadId))
    },
    delete: (id: RoomId) => void counts.delete(id),
  }
}
