import { and, count, desc, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { mostUnread } from '#schema/messages/room'
import { messages, roomHeads } from '#schema/tables/message'

/** So many messages are looked at for one room, the newest first: whoever was away long is not. */
const lookedAt = 1_000

/** A value, or the column that has it. */
type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * What somebody has not read in a room, as a subquery of one row: the messages of others in the room
 * itself after a sequence, and those among them that name them. Walks along the key over room, thread
 * and sequence, and no further than it must to count.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const newest = db
    .select({ sender: messages.sender, mentions: messages.mentions, deletedAt: messages.deletedAt })
    .from(messages)
    .where(saidAfter(room, seq))
    // With the whole key in the order and in its bounds, PostgreSQL walks the key whatever it takes the
    // room to hold. By `room = …` it guesses the average of all rooms, and sorts all of a busy one.
    .orderBy(desc(messages.room), desc(messages.threadId), desc(messages.seq))
    .limit(lookedAt)
    .as('newest')
  const namesUser = sql`${user}::text = any(${newest.mentions})`
  return db
    .select({
      unread: sql<number>`least(${count()}, ${mostUnread})::int`.as('unread'),
      mentions: sql<number>`least(${count()} filter (where ${namesUser}), ${mostUnread})::int`.as(
        'named',
      ),
    })
    .from(newest)
    .where(and(ne(newest.sender, user), isNull(newest.deletedAt)))
    .as('counted')
}

/** The same for one room, at once, with the last event of the room that it takes into account. */
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

/** What was said in a room itself after a sequence. */
function saidAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.threadId}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${place} > (${room}::text, '', ${seq}::bigint)
    and ${place} <= (${room}::text, '', ${last}::bigint)`
}
