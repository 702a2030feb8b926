import { and, desc, eq, isNull, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { unreadAfter } from '#domain/messages/unread-count'
import { directRoomOf } from '#domain/rooms/direct-room'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { roomList } from '#schema/messages/room'
import { roomHeads } from '#schema/tables/message'
import { members, readStates, rooms } from '#schema/tables/room'

/** More would not fit into an answer. */
const maxRooms = 1_000

/** Lists the caller's rooms, with what is unread in each. */
export default defineFunction(
  roomList,
  async (_, context) => {
    const me = readCaller(context)
    const own = directRoomOf(me, me)
    const found = await roomsOfUser(me)
    return {
      rooms: found.map(({ other, ...room }) => {
        const counterpart = room.id === own ? me : other
        return counterpart === null ? room : { ...room, with: counterpart }
      }),
    }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)

/** One statement; of too many rooms those in which something has happened last. */
export function roomsOfUser(me: UserId) {
  const others = alias(members, 'others')
  const lastSeq = sql<number>`coalesce(${roomHeads.seq}, 0)`.mapWith(Number)
  const mine = db
    .select({
      id: rooms.id,
      name: rooms.name,
      kind: rooms.kind,
      role: members.role,
      lastSeq: lastSeq.as('last_seq'),
      readSeq: sql<number>`coalesce(${readStates.seq}, 0)`.mapWith(Number).as('read_seq'),
    })
    .from(members)
    .innerJoin(rooms, eq(rooms.id, members.room))
    .leftJoin(roomHeads, eq(roomHeads.room, members.room))
    .leftJoin(readStates, and(eq(readStates.room, members.room), eq(readStates.userId, me)))
    .where(and(eq(members.userId, me), isNull(rooms.archivedAt)))
    .orderBy(desc(lastSeq))
    .limit(maxRooms)
    .as('mine')
  const counted = unreadAfter(mine.id, mine.readSeq, me)
  return db
    .select({
      id: mine.id,
      name: mine.name,
      kind: mine.kind,
      role: mine.role,
      lastSeq: mine.lastSeq,
      readSeq: mine.readSeq,
      unread: counted.unread,
      mentions: counted.mentions,
      other: others.userId,
    })
    .from(mine)
    .crossJoinLateral(counted)
    .leftJoin(others, and(eq(mine.kind, 'direct'), eq(others.room, mine.id), ne(others.userId, me)))
}
