import { and, count, desc, eq, gt, gte, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { mostUnread } from '#schema/messages/room'
import { messages } from '#schema/tables/message'

/** So many messages are looked at for one room, the newest: whoever was away long is not counted for long. */
const lookedAt = 1_000

/** A value, or the column that has it. */
type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * What somebody has not read in a room, as a subquery of one row: the messages of others in the room
 * itself after a sequence, and those among them that name them.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const namesUser = sql`${user}::text = any(${messages.mentions})`
  return db
    .select({
      unread: upTo(mostUnread, count()).as('unread'),
      mentions: upTo(mostUnread, sql`${count()} filter (where ${namesUser})`).as('named'),
    })
    .from(messages)
    .where(
      and(
        isSaidAfter(room, seq),
        gte(messages.seq, findFirst(room, seq)),
        ne(messages.sender, user),
        isNull(messages.deletedAt),
      ),
    )
    .as('counted')
}

/**
 * The first of the messages to look at; 0 for all that there are. Found in the key alone, before any
 * message is read: PostgreSQL expects of every room what the average one holds, and would read all of
 * a busy one to sort and count it.
 */
function findFirst(room: Of<RoomId>, seq: Of<number>) {
  const first = db
    .select({ seq: messages.seq })
    .from(messages)
    .where(isSaidAfter(room, seq))
    .orderBy(desc(messages.seq))
    .offset(lookedAt - 1)
    .limit(1)
  return sql`coalesce(${first}, 0)`
}

/** What was said in a room itself after a sequence. */
function isSaidAfter(room: Of<RoomId>, seq: Of<number>) {
  return and(eq(messages.room, room), eq(messages.threadId, ''), gt(messages.seq, seq))
}

function upTo(most: number, counted: SQL) {
  return sql<number>`least(${counted}, ${most})::int`
}

/** The same for one room, at once. */
export async function countUnread(room: RoomId, seq: number, user: UserId) {
  const [counts = { unread: 0, mentions: 0 }] = await db.select().from(unreadAfter(room, seq, user))
  return counts
}
