import { and, count, desc, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, unionAll } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { maxUnread } from '#schema/messages/room'
import { messages, roomHeads } from '#schema/tables/message'

/** Messages scanned per room, newest first: limits the cost after a long absence. */
const maxScanned = 1_000
/** Thread messages with mentions scanned per room: a few times the highest count shown. */
const maxScannedInThreads = 200

/** A value, or a column with it. */
type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * Builds a subquery of one row with a user's unread counts of a room: `unread` counts messages of others
 * after a sequence, in the room and in its threads if they mention the user; `mentions` counts those of
 * them that mention the user. Two bounded index scans: the key, and the index of mentions in threads.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const namesUser = sql<boolean>`${user}::text = any(${messages.mentions})`.as('names_user')
  const what = { sender: messages.sender, deletedAt: messages.deletedAt, namesUser }
  const inRoom = db
    .select(what)
    .from(messages)
    .where(isInRoomAfter(room, seq))
    // With the whole key in its order and bounds, PostgreSQL always scans the key. With `room = …` it
    // estimates the average of all rooms, and sorts all messages of a busy one.
    .orderBy(desc(messages.room), desc(messages.threadId), desc(messages.seq))
    .limit(maxScanned)
  const inThreads = db
    .select(what)
    .from(messages)
    .where(isMentionInThreadAfter(room, seq))
    .orderBy(desc(messages.room), desc(messages.seq))
    .limit(maxScannedInThreads)
    .as('in_threads')
  const newest = unionAll(
    inRoom,
    db.select().from(inThreads).where(sql`${inThreads.namesUser}`),
  ).as('newest')
  return db
    .select({
      unread: sql<number>`least(${count()}, ${maxUnread})::int`.as('unread'),
      mentions:
        sql<number>`least(${count()} filter (where ${newest.namesUser}), ${maxUnread})::int`.as(
          'named',
        ),
    })
    .from(newest)
    .where(and(ne(newest.sender, user), isNull(newest.deletedAt)))
    .as('counted')
}

/** Returns the unread counts of one room, and in `asOf` the last event that they include. */
export async function countUnread(room: RoomId, seq: number, user: UserId) {
  const counted = unreadAfter(room, seq, user)
  const [counts = { unread: 0, mentions: 0, asOf: 0 }] = await db
    .select({
      unread: counted.unread,
      mentions: counted.mentions,
      asOf: sql<number>`coalesce(${roomHeads.seq}, 0)`.mapWith(Number),
    })
    .from(counted)
    .leftJoin(roomHeads, eq(roomHeads.room, room))
  return counts
}

/** Matches the messages of a room after a sequence, without its threads. */
function isInRoomAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.threadId}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${place} > (${room}::text, '', ${seq}::bigint)
    and ${place} <= (${room}::text, '', ${last}::bigint)`
}

/** Matches the messages with mentions in the threads of a room after a sequence. */
function isMentionInThreadAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${messages.threadId} <> '' and ${messages.mentions} <> '{}'
    and ${place} > (${room}::text, ${seq}::bigint) and ${place} <= (${room}::text, ${last}::bigint)`
}
