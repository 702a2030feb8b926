import { and, count, desc, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, unionAll } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { maxUnread } from '#schema/messages/room'
import { messages, roomHeads } from '#schema/tables/message'

/** So many messages are looked at for one room, the newest first: whoever was away long is not. */
const maxScanned = 1_000
/** And so many in its threads that name anybody: a few times as many as are counted. */
const maxScannedInThreads = 200

/** A value, or the column that has it. */
type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * What somebody has not read in a room, as a subquery of one row: the messages of others after a
 * sequence, in the room itself and in its threads where they name them; and all that name them. Walks
 * along the key over room, thread and sequence, and along what names somebody in threads, and no
 * further than it must to count.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const namesUser = sql<boolean>`${user}::text = any(${messages.mentions})`.as('names_user')
  const what = { sender: messages.sender, deletedAt: messages.deletedAt, namesUser }
  const inRoom = db
    .select(what)
    .from(messages)
    .where(isInRoomAfter(room, seq))
    // With the whole key in the order and in its bounds, PostgreSQL walks the key whatever it takes the
    // room to hold. By `room = …` it guesses the average of all rooms, and sorts all of a busy one.
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
function isInRoomAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.threadId}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${place} > (${room}::text, '', ${seq}::bigint)
    and ${place} <= (${room}::text, '', ${last}::bigint)`
}

/** What names somebody in the threads of a room after a sequence. */
function isMentionInThreadAfter(room: Of<RoomId>, seq: Of<number>) {
  const place = sql`(${messages.room}, ${messages.seq})`
  const last = Number.MAX_SAFE_INTEGER
  return sql`${messages.threadId} <> '' and ${messages.mentions} <> '{}'
    and ${place} > (${room}::text, ${seq}::bigint) and ${place} <= (${room}::text, ${last}::bigint)`
}
