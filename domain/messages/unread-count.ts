import { and, count, desc, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, unionAll } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { maxUnread } from '#schema/messages/room'
import { messages, roomHeads } from '#schema/tables/message'

/** Limits the cost per room after a long absence: only the newest messages are counted. */
const maxScanned = 1_000
/** A few times the highest count, since a mention in a thread may be of another user. */
const maxScannedInThreads = 200

type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * Builds a subquery of one row with a user's unread counts of a room after a sequence: `unread` messages
 * of others, including those in threads that mention the user, and `mentions` of the user among them.
 * Two bounded index scans: of the key, and of mentions in threads.
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

function isInRoomAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.threadId}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${place} > (${room}::text, '', ${seq}::bigint)
    and ${place} <= (${room}::text, '', ${last}::bigint)`
}

function isMentionInThreadAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${messages.threadId} <> '' and ${messages.mentions} <> '{}'
    and ${place} > (${room}::text, ${seq}::bigint) and ${place} <= (${room}::text, ${last}::bigint)`
}
