import { eq, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { maxUnread } from '#schema/messages/room'
import { mentions, messages, roomHeads, threadStates } from '#schema/tables/message'

/**
 * Maximum number of messages that one count reads. `maxUnread` limits only how many are counted:
 * the user's own messages and deleted messages are read, but not counted.
 */
const maxScanned = 1_000
/**
 * If a user follows more than this number of threads with unread replies, only the threads with the
 * newest replies are counted.
 */
const maxThreads = 100

type Of<T> = T | AnyPgColumn | SQL<T> | SQL.Aliased<T>

/**
 * Builds a subquery for two counts of other users' messages. The first counts the unread messages
 * of a room after a sequence, plus the unread replies in threads that the user follows. The second
 * counts those among them that mention the user.
 */
export function unreadAfter(room: Of<RoomId>, seq: Of<number>, user: UserId) {
  const inThreads = sql`(
    select coalesce(sum(replies), 0) as replies, coalesce(sum(mentioned), 0) as mentioned
    from ${unreadThreads(room, user)} as thread
    cross join lateral ${countReplies(room, sql`thread.thread_id`, sql`thread.read_seq`, user)} as counted
  )`
  return db
    .select({
      unread: sql<number>`least(in_room.count + in_threads.replies, ${maxUnread})::int`.as(
        'unread',
      ),
      mentions: sql<number>`least(mentioned.count + in_threads.mentioned, ${maxUnread})::int`.as(
        'named',
      ),
    })
    .from(
      sql`${countMessages(room, sql`''`, seq, user)} as in_room
      cross join ${countRoomMentions(room, seq, user)} as mentioned
      cross join ${inThreads} as in_threads`,
    )
    .as('counted')
}

/** `asOf` is the sequence of the last event that the counts include. */
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
 * Builds a subquery that counts the unread replies of one thread, and those among them that mention
 * the user. If `isUnread` is false, both counts are 0, and no reply is read.
 */
export function countReplies(
  room: Of<RoomId>,
  thread: Of<string>,
  readSeq: Of<number>,
  user: UserId,
  isUnread: SQL = sql`true`,
): SQL {
  return sql`(
    select replies.count as replies, mentioned.count as mentioned
    from ${countMessages(room, thread, readSeq, user, isUnread)} as replies
    cross join (select count(*) from (
      select 1 from ${mentions}
      where ${isUnread} and ${mentions.userId} = ${user}
        and ${isAfter(mentions, room, thread, readSeq)}
      order by ${mentions.seq} desc limit ${maxUnread}
    ) as newest) as mentioned
  )`
}

export function unreadThreads(room: Of<RoomId>, user: UserId): SQL {
  return sql`(
    select ${threadStates.threadId}, ${threadStates.readSeq} from ${threadStates}
    where ${threadStates.userId} = ${user} and ${threadStates.room} = ${room}::text
      and ${threadStates.followed} and ${threadStates.lastSeq} > ${threadStates.readSeq}
    order by ${threadStates.lastSeq} desc limit ${maxThreads}
  )`
}

function countMessages(
  room: Of<RoomId>,
  thread: Of<string>,
  seq: Of<number>,
  user: UserId,
  isUnread: SQL = sql`true`,
): SQL {
  return sql`(select count(*) from (
    select 1 from (
      select ${messages.sender}, ${messages.deletedAt} from ${messages}
      where ${isUnread} and ${isAfter(messages, room, thread, seq)}
      order by ${messages.seq} desc limit ${maxScanned}
    ) as newest
    where newest.sender <> ${user} and newest.deleted_at is null
    limit ${maxUnread}
  ) as unread)`
}

/** A message that mentions both the user and `@all` counts once. */
function countRoomMentions(room: Of<RoomId>, seq: Of<number>, user: UserId): SQL {
  const of = (mentioned: string) => sql`(
    select ${mentions.seq} from ${mentions}
    where ${mentions.userId} = ${mentioned} and ${mentions.sender} <> ${user}
      and ${isAfter(mentions, room, sql`''`, seq)}
    order by ${mentions.seq} desc limit ${maxUnread}
  )`
  return sql`(select count(*) from (${of(user)} union ${of('all')}) as newest)`
}

/**
 * Returns a condition for the rows of a room or a thread after a sequence. With a row comparison,
 * PostgreSQL would scan the index entries of the whole room. Without the subselects, it may read
 * and sort all messages of a large room instead of stopping at the limit.
 */
function isAfter(
  table: typeof messages | typeof mentions,
  room: Of<RoomId>,
  thread: Of<string>,
  seq: Of<number>,
): SQL {
  return sql`${table.room} = ${room}::text
    and ${table.threadId} = ${thread}
    and ${table.seq} > (select ${seq}::bigint)
    and ${table.seq} <= (select ${Number.MAX_SAFE_INTEGER}::bigint)`
}
