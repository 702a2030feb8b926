import { and, desc, eq, isNull, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { roomHeads } from '#schema/tables/message'
import { members, readStates, rooms } from '#schema/tables/room'
import { unreadAfter } from '../messages/unread-count.ts'

/** The list must fit into one response. */
const maxRooms = 1_000

/**
 * Returns a query for a user's rooms with their unread counts and, for a direct room, the other
 * member. If the user has more than `maxRooms` rooms, selects those with the newest events.
 */
export function roomsOfUser(user: UserId) {
  const others = alias(members, 'others')
  const lastSeq = sql<number>`coalesce(${roomHeads.seq}, 0)`.mapWith(Number)
  const own = db
    .select({
      id: rooms.id,
      name: rooms.name,
      kind: rooms.kind,
      role: members.role,
      isRequest: members.isRequest,
      lastSeq: lastSeq.as('last_seq'),
      lastAt: roomHeads.at,
      readSeq: sql<number>`coalesce(${readStates.seq}, 0)`.mapWith(Number).as('read_seq'),
    })
    .from(members)
    .innerJoin(rooms, eq(rooms.id, members.room))
    .leftJoin(roomHeads, eq(roomHeads.room, members.room))
    .leftJoin(readStates, and(eq(readStates.room, members.room), eq(readStates.userId, user)))
    .where(and(eq(members.userId, user), isNull(rooms.archivedAt)))
    .orderBy(sql`${roomHeads.at} desc nulls last`, desc(lastSeq))
    .limit(maxRooms)
    .as('own')
  const counted = unreadAfter(own.id, own.readSeq, user)
  const other = db
    .select({ userId: others.userId })
    .from(others)
    .where(and(eq(others.room, own.id), ne(others.userId, user)))
    .limit(1)
  return db
    .select({
      id: own.id,
      name: own.name,
      kind: own.kind,
      role: own.role,
      isRequest: own.isRequest,
      lastSeq: own.lastSeq,
      lastAt: own.lastAt,
      readSeq: own.readSeq,
      unread: counted.unread,
      mentions: counted.mentions,
      // A subquery is used instead of a join, which would also read all members of rooms that are
      // not direct.
      other: sql<UserId | null>`case when ${own.kind} = 'direct' then (${other}) end`,
    })
    .from(own)
    .crossJoinLateral(counted)
}
