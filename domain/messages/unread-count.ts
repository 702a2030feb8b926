import { and, count, desc, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { maxUnread } from '#schema/messages/room'
import { messages, roomHeads } from '#schema/tables/message'

/**
 * `maxUnread` does not limit the scan, because own and deleted messages are scanned, but not
 * counted.
 */
const maxScanned = 1_000
/**
 * This limit is lower than `maxScanned`, because the scan for mentions reads the table, not only an
 * index.
 */
const maxMentionsScanned = 200

type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * Builds a subquery for two counts of other users' messages after a sequence. `unread` includes a
 * reply in a thread only if it mentions the user.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const { threadId, sender, mentions: mentioned, deletedAt } = messages
  const newest = db
    .select({ sender, deletedAt })
    .from(messages)
    .where(and(isAfter(room, seq), eq(threadId, '')))
    .orderBy(desc(messages.seq))
    .limit(maxScanned)
    .as('newest')
  const inRoom = db
    .select({ one: sql`1`.as('one') })
    .from(newest)
    .where(and(ne(newest.sender, user), isNull(newest.deletedAt)))
    .limit(maxUnread)
    .as('in_room')
  const mentioning = db
    .select({ threadId, sender, mentioned, deletedAt })
    .from(messages)
    .where(and(isAfter(room, seq), sql`${mentioned} <> '{}'`))
    .orderBy(desc(messages.seq))
    .limit(maxMentionsScanned)
    .as('mentioning')
  const mentions = db
    .select({ threadId: mentioning.threadId })
    .from(mentioning)
    .where(
      and(
        ne(mentioning.sender, user),
        isNull(mentioning.deletedAt),
        sql`${user}::text = any(${mentioning.mentioned})`,
      ),
    )
    .limit(maxUnread)
    .as('mentions')
  const ofRoom = db
    .select({ count: count().as('of_room') })
    .from(inRoom)
    .as('counted_in_room')
  const ofMentions = db
    .select({
      count: count().as('of_mentions'),
      inThreads: sql<number>`count(*) filter (where ${mentions.threadId} <> '')`.as('in_threads'),
    })
    .from(mentions)
    .as('counted_mentions')
  const unread = sql<number>`least(${ofRoom.count} + ${ofMentions.inThreads}, ${maxUnread})::int`
  return db
    .select({
      unread: unread.as('unread'),
      mentions: sql<number>`${ofMentions.count}::int`.as('named'),
    })
    .from(ofRoom)
    .crossJoin(ofMentions)
    .as('counted')
}

/** `asOf` is the sequence of the last event of the room that the counts include. */
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

/**
 * Returns a condition for the messages of a room after a sequence. With a row comparison,
 * PostgreSQL would scan the index entries of the whole room. Without the subselects, it may read
 * and sort all messages of a large room instead of stopping at the limit.
 */
function isAfter(room: Of<RoomId>, seq: Of<number>) {
  return sql`${messages.room} = ${room}::text
    and ${messages.seq} > (select ${seq}::bigint)
    and ${messages.seq} <= (select ${Number.MAX_SAFE_INTEGER}::bigint)`
}
