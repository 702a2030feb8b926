import type { TransactionSql } from 'postgres'
import { readNotifyId } from '#schema/ids'
import type { StoredEvent } from '#schema/messages/event'

type EventOf<Kind extends StoredEvent['kind']> = {
  seq: number
  data: Extract<StoredEvent, { kind: Kind }>
}
interface Mention {
  messageId: string
  userId: string
  room: string
  threadId: string
  seq: number
  sender: string
  version: number
}
interface Follower {
  threadId: string
  userId: string
  room: string
  readSeq: number
}

/**
 * Inserts the mentions in new and edited messages. The caller must call `deleteOutdatedMentions` after it has
 * updated the messages themselves.
 */
export async function insertMentions(
  messages: readonly EventOf<'message'>[],
  edits: readonly EventOf<'edit'>[],
  sql: TransactionSql,
): Promise<void> {
  const rows = [...messages.flatMap(mentionsIn), ...edits.flatMap(mentionsInEdit)]
  if (rows.length === 0) return
  await sql`
    insert into mentions as stored (message_id, user_id, room, thread_id, seq, sender, version)
    select distinct on (message_id, user_id)
      message_id, user_id, room, thread_id, seq, sender, version
    from unnest(
      ${rows.map(({ messageId }) => messageId)}::text[],
      ${rows.map(({ userId }) => userId)}::text[],
      ${rows.map(({ room }) => room)}::text[],
      ${rows.map(({ threadId }) => threadId)}::text[],
      ${rows.map(({ seq }) => seq)}::bigint[],
      ${rows.map(({ sender }) => sender)}::text[],
      ${rows.map(({ version }) => version)}::bigint[]
    ) as mentioned (message_id, user_id, room, thread_id, seq, sender, version)
    order by message_id, user_id, version desc
    on conflict (message_id, user_id) do update set version = excluded.version
    where stored.version < excluded.version`
}

export async function deleteOutdatedMentions(ids: readonly string[], sql: TransactionSql) {
  await sql`
    delete from mentions using messages
    where id = message_id and id = any(${ids}::text[]) and message_id = any(${ids}::text[])
      and (deleted_at is not null or version <> coalesce(edited_seq, 0))`
  await sql`
    update mentions set seq = messages.seq from messages
    where id = message_id and id = any(${ids}::text[]) and message_id = any(${ids}::text[])
      and mentions.seq <> messages.seq`
}

/**
 * Makes users follow the threads that they start, reply in or are mentioned in, and updates the
 * sequence of each thread's newest reply. For the sender of a reply, marks the thread as read up to
 * this reply.
 */
export async function updateThreadStates(
  messages: readonly EventOf<'message'>[],
  edits: readonly EventOf<'edit'>[],
  sql: TransactionSql,
): Promise<void> {
  const replies = messages.filter(({ data }) => data.threadId !== undefined)
  const mentioned = [...replies.flatMap(mentionsIn), ...edits.flatMap(mentionsInEdit)]
  const followers = [
    ...replies.flatMap(({ data }) => (data.threadBy ? [followerOf(data, data.threadBy, 0)] : [])),
    ...mentioned
      .filter(({ threadId }) => threadId !== '')
      .map((mention) => followerOf(mention, mention.userId, mention.seq - 1)),
  ]
  const senders = replies.map(({ seq, data }) => followerOf(data, data.sender, seq))
  if (followers.length > 0) await insertFollowers(followers, false, sql)
  if (senders.length > 0) await insertFollowers(senders, true, sql)
  if (replies.length > 0) await updateLastReplies(replies, sql)
}

/**
 * Inserts followers with `readSeq` as their read position. A follower who already has a read position keeps
 * it, unless `areReaders` is true: then it is raised to `readSeq`.
 */
async function insertFollowers(followers: Follower[], areReaders: boolean, sql: TransactionSql) {
  await sql`
    insert into thread_states as stored (thread_id, user_id, room, followed, read_seq, last_seq)
    select thread_id, user_id, room, true,
      case when ${areReaders} then max(read_seq) else min(read_seq) end,
      (select coalesce(max(seq), 0) from messages
        where messages.room = follower.room and messages.thread_id = follower.thread_id)
    from unnest(
      ${followers.map(({ threadId }) => threadId)}::text[],
      ${followers.map(({ userId }) => userId)}::text[],
      ${followers.map(({ room }) => room)}::text[],
      ${followers.map(({ readSeq }) => readSeq)}::bigint[]
    ) as follower (thread_id, user_id, room, read_seq)
    group by thread_id, user_id, room
    on conflict (thread_id, user_id) do update
    set followed = true, read_seq =
      case when ${areReaders} then greatest(stored.read_seq, excluded.read_seq)
      else stored.read_seq end
    where not stored.followed or (${areReaders} and stored.read_seq < excluded.read_seq)`
}

async function updateLastReplies(replies: readonly EventOf<'message'>[], sql: TransactionSql) {
  const newest = new Map<string, number>()
  for (const { seq, data } of replies)
    newest.set(data.threadId ?? '', Math.max(seq, newest.get(data.threadId ?? '') ?? 0))
  const threads = [...newest.keys()]
  // Without the condition `thread_id = any(…)`, PostgreSQL may scan the whole table.
  await sql`
    update thread_states set last_seq = newest.seq
    from unnest(${threads}::text[], ${[...newest.values()]}::bigint[]) as newest (thread_id, seq)
    where thread_states.thread_id = any(${threads}::text[])
      and thread_states.thread_id = newest.thread_id and last_seq < newest.seq`
}

function mentionsIn({ seq, data }: EventOf<'message'>): Mention[] {
  const { id: messageId, room, threadId = '', sender } = data
  return mentionedBy(data, sender).map((userId) => ({
    ...{ messageId, userId, room, threadId, seq, sender, version: 0 },
  }))
}

function mentionsInEdit({ seq: version, data }: EventOf<'edit'>): Mention[] {
  const { id: messageId, seq } = readNotifyId(data.message.notifyId)
  const { room, by: sender } = data
  const threadId = data.message.threadId ?? ''
  return mentionedBy(data, sender).map((userId) => ({
    ...{ messageId, userId, room, threadId, seq, sender, version },
  }))
}

function mentionedBy(
  { mentions, present = [] }: Pick<EventOf<'message'>['data'], 'mentions' | 'present'>,
  sender: string,
): string[] {
  const users = new Set<string>([...mentions, ...present])
  users.delete('here')
  users.delete(sender)
  return [...users]
}

function followerOf(
  { threadId = '', room }: { threadId?: string | undefined; room: string },
  userId: string,
  readSeq: number,
): Follower {
  return { threadId, userId, room, readSeq }
}
