import { and, between, desc, eq, type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, unionAll } from 'drizzle-orm/pg-core'
import { type Context, type SequenceRange, sequencesOfPartition } from '#runtime'
import { db } from '#schema/db'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { FollowedThread, UnreadMention } from '#schema/messages/thread'
import { CHAT_MESSAGES } from '#schema/streams'
import { mentions, messages, threadStates } from '#schema/tables/message'
import { members, rooms } from '#schema/tables/room'
import { countReplies, unreadThreads } from './unread-count.ts'

/** The list must fit into one response. */
const maxThreads = 500
/** Maximum number of followed threads that are read, including threads of rooms that the user has left. */
const maxScanned = 1_000

export async function listFollowedThreads(
  user: UserId,
  context: Context,
): Promise<FollowedThread[]> {
  const { length: partitions } = context.partitions(CHAT_MESSAGES)
  const newest = newestThreads(user, partitions)
  // Subqueries are used instead of joins: with joins, PostgreSQL may read all rooms of the user
  // once per thread.
  const isMember = sql`(select ${members.role} from ${members}
    where ${members.room} = ${newest.room} and ${members.userId} = ${user}) is not null`
  const isOpen = sql`(select ${rooms.archivedAt} is null from ${rooms}
    where ${rooms.id} = ${newest.room})`
  const own = db
    .select()
    .from(newest)
    .where(and(isMember, isOpen))
    .orderBy(partitions === 1 ? desc(newest.lastSeq) : rankInPartition(newest.lastSeq))
    .limit(maxThreads)
    .as('own')
  const isUnread = sql`${own.lastSeq} > ${own.readSeq}`
  const counted = countReplies(own.room, sql`${own.threadId}`, own.readSeq, user, isUnread)
  return db
    .select({
      room: own.room,
      threadId: own.threadId,
      readSeq: own.readSeq,
      lastSeq: own.lastSeq,
      unread: sql<number>`counted.replies::int`,
      mentions: sql<number>`counted.mentioned::int`,
    })
    .from(own)
    .crossJoin(sql`lateral ${counted} as counted`)
}

function newestThreads(user: UserId, partitions: number) {
  const { room, threadId, readSeq, lastSeq } = threadStates
  const newestOf = (range?: SequenceRange) =>
    db
      .select({ room, threadId, readSeq, lastSeq })
      .from(threadStates)
      .where(
        and(
          eq(threadStates.userId, user),
          threadStates.followed,
          range && between(lastSeq, range.from, range.to),
        ),
      )
      .orderBy(desc(lastSeq))
      .limit(maxScanned)
  const [first, second, ...others] = Array.from({ length: partitions }, (_, index) =>
    newestOf(sequencesOfPartition(index, partitions)),
  )
  const all = first && second ? unionAll(first, second, ...others) : newestOf()
  return all.as('newest_threads')
}

/**
 * The sequences of different partitions do not show which reply is newer. So if there are more
 * threads than the list may have, it contains the newest ones of each partition, in equal numbers.
 */
function rankInPartition(lastSeq: AnyPgColumn): SQL {
  const { to: size } = sequencesOfPartition(0, 2)
  return sql`row_number() over (
    partition by (${lastSeq} - 1) / ${size}::bigint order by ${lastSeq} desc
  )`
}

export interface ThreadReadPosition {
  room: RoomId
  threadId: MessageId
  user: UserId
  seq: number
}

/** Moves the read position in a thread forwards, never back. Does not make the user follow the thread. */
export async function saveThreadPosition({
  room,
  threadId,
  user,
  seq,
}: ThreadReadPosition): Promise<number | undefined> {
  const lastReply = sql<number>`(select coalesce(max(${messages.seq}), 0) from ${messages}
    where ${messages.room} = ${room} and ${messages.threadId} = ${threadId})`
  const [row] = await db
    .insert(threadStates)
    .values({ room, threadId, userId: user, followed: false, readSeq: seq, lastSeq: lastReply })
    .onConflictDoUpdate({
      target: [threadStates.threadId, threadStates.userId],
      set: { readSeq: seq },
      setWhere: sql`${threadStates.readSeq} < excluded.read_seq`,
    })
    .returning()
  return row?.readSeq
}

export async function findThreadPosition(threadId: MessageId, user: UserId): Promise<number> {
  const isOwn = and(eq(threadStates.threadId, threadId), eq(threadStates.userId, user))
  const [row] = await db.select().from(threadStates).where(isOwn)
  return row?.readSeq ?? 0
}

export async function markThreadsRead(room: RoomId, user: UserId, seq: number): Promise<boolean> {
  const { userId, followed, lastSeq, readSeq } = threadStates
  const rows = await db
    .update(threadStates)
    .set({ readSeq: seq })
    .where(
      and(
        eq(userId, user),
        eq(threadStates.room, room),
        sql`${followed} and ${lastSeq} > ${readSeq} and ${readSeq} < ${seq}`,
      ),
    )
    .returning({ threadId: threadStates.threadId })
  return rows.length > 0
}

export async function findUnreadMention(
  room: RoomId,
  user: UserId,
  readSeq: number,
): Promise<UnreadMention | undefined> {
  const { messageId, threadId, seq, sender, userId } = mentions
  const after = (mentioned: string) => sql`(
    select ${messageId}, ${threadId}, ${seq} from ${mentions}
    where ${userId} = ${mentioned} and ${mentions.room} = ${room} and ${threadId} = ''
      and ${seq} > ${readSeq} and ${sender} <> ${user}
    order by ${seq} limit 1
  )`
  const inThreads = sql`(
    select mention.message_id, mention.thread_id, mention.seq
    from ${unreadThreads(room, user)} as thread
    cross join lateral (
      select ${messageId}, ${threadId}, ${seq} from ${mentions}
      where ${userId} = ${user} and ${mentions.room} = ${room}
        and ${threadId} = thread.thread_id and ${seq} > thread.read_seq
      order by ${seq} limit 1
    ) as mention
    order by mention.seq limit 1
  )`
  const [row] = await db.execute<{ message_id: MessageId; thread_id: MessageId | ''; seq: string }>(
    sql`${after(user)} union all ${after('all')} union all ${inThreads} order by seq limit 1`,
  )
  if (!row) return undefined
  const { message_id: id, thread_id } = row
  return { id, seq: Number(row.seq), ...(thread_id === '' ? {} : { threadId: thread_id }) }
}
