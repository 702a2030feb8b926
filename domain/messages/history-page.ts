import type { OutputOf } from '#runtime'
import { db } from '#schema/db'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { chatHistory, PagedMessage } from '#schema/messages/chat'
import type { Card } from '#schema/messages/event'
import { toMessage } from './message-cache.ts'
import { maxResponseBytes, sizeOf } from './response-size.ts'

export interface PageQuery {
  room: RoomId
  threadId?: MessageId
  before?: number | undefined
  after?: number | undefined
  around?: number | undefined
  limit: number
  caller: UserId
  persistedSeq?: number
}
type Page = OutputOf<typeof chatHistory>

const maxNamedUsers = 100
const maxRepliers = 3

/**
 * SQL query of one history page. Parameters: $1 room, $2 thread id (empty for the room itself), $3
 * start sequence, $4 number of messages before the start, $5 number of messages from the start on,
 * $6 sequence up to which all events are persisted. It is a single statement, so that the messages
 * and the room head (the sequence of the room's last persisted event) are from one snapshot. For an
 * empty page, it returns one row with only the room head.
 *
 * `threads` contains only the messages that have replies, because most messages have none. The four
 * subqueries about replies run once for each row of `threads`.
 *
 * `order by reply.seq` makes PostgreSQL use the index messages_room_thread_seq instead of scanning
 * all messages; `limit 1` has the same purpose. The two comparisons of `reply.seq` with `(select …)`
 * exclude no reply. Without them, PostgreSQL may sort all replies of a thread instead of stopping
 * after 1,000.
 */
export const pageQuery = `
  with page as materialized (
    (select id, seq, sender, client_id, text, mentions, card, at, edited_at, deleted_at
      from messages where room = $1 and thread_id = $2 and seq < $3 order by seq desc limit $4)
    union all
    (select id, seq, sender, client_id, text, mentions, card, at, edited_at, deleted_at
      from messages where room = $1 and thread_id = $2 and seq >= $3 order by seq limit $5)
  ), threads as materialized (
    select id from page where $2 = '' and (
      select reply.seq from messages as reply where reply.room = $1 and reply.thread_id = page.id
        order by reply.seq desc limit 1
    ) is not null
  )
  select head, page.*,
    (select json_agg(json_build_array(emoji, user_id, "on", first_seq))
      from reactions where message_id = page.id) as words,
    thread.last_reply, thread.replies, thread.senders, thread.last_at, thread.seqs
  from (select coalesce(max(seq), 0) as head from room_heads where room = $1) as heads
  left join page on true
  left join (
    select threads.id as root, counted.last_reply, counted.replies, newest.senders, last.last_at,
      erased.seqs
    from threads
    cross join lateral (
      select max(seq) as last_reply, count(*) filter (where deleted_at is null) as replies,
        max(seq) filter (where deleted_at is null) as last_shown from (
        select reply.seq, reply.deleted_at from messages as reply
          where reply.room = $1 and reply.thread_id = threads.id
            and reply.seq > (select 0) and reply.seq < (select ${Number.MAX_SAFE_INTEGER})
          order by reply.seq desc limit 1000
      ) as newest
    ) as counted
    left join lateral (
      select json_agg(sender order by seq desc) as senders from (
        select reply.sender, reply.seq, reply.deleted_at from messages as reply
          where counted.replies > 0 and reply.room = $1 and reply.thread_id = threads.id
            and reply.seq > (select 0) and reply.seq < (select ${Number.MAX_SAFE_INTEGER})
          order by reply.seq desc limit 20
      ) as latest where deleted_at is null
    ) as newest on true
    left join lateral (
      select reply.at as last_at from messages as reply
        where reply.room = $1 and reply.thread_id = threads.id and reply.seq = counted.last_shown
        limit 1
    ) as last on true
    left join lateral (
      select json_agg(reply.seq) as seqs from messages as reply
        where reply.room = $1 and reply.thread_id = threads.id
          and reply.thread_id <> '' and reply.deleted_at is not null and reply.edited_seq > $6
    ) as erased on true
  ) as thread on thread.root = page.id`

interface PageRow {
  head: string
  id: MessageId
  seq: string
  sender: UserId
  client_id: ClientId
  text: string
  mentions: UserId[]
  card: Card | null
  at: string
  edited_at: string | null
  deleted_at: string | null
  words: ReactionRow[] | null
  last_reply: string | null
  replies: string
  senders: UserId[] | null
  last_at: string | null
  seqs: number[] | null
}

/**
 * Withdrawn reactions are included, because emojis are ordered by their first reaction, even if it
 * was withdrawn.
 */
type ReactionRow = [emoji: string, user: UserId, on: boolean, firstSeq: number]

export async function readPage(query: PageQuery): Promise<Page> {
  const { room, threadId = '', caller, persistedSeq = Number.MAX_SAFE_INTEGER } = query
  const { start, older, newer } = toRange(query)
  // One extra row on each side shows whether there are more messages. Drizzle is not used, because
  // its mapping of the rows would take a quarter of the total time.
  const values = [room, threadId, start, older + 1, newer + 1, persistedSeq]
  const rows = await db.$client.unsafe<(PageRow | (Pick<PageRow, 'head'> & { id: null }))[]>(
    pageQuery,
    values,
  )

  const candidates = rows
    .filter((row) => row.id !== null)
    .map((row) => toPagedMessage(row, room, threadId, caller))
    .sort((a, b) => a.seq - b.seq)
  const middle = candidates.filter(({ seq }) => seq < start).length
  const first = Math.max(0, middle - older)
  const { from, to } = limitToBytes(candidates, middle, first, middle + newer)
  return {
    messages: candidates.slice(from, to),
    before: from > 0,
    after: to < candidates.length,
    asOf: Number(rows[0]?.head),
  }
}

function toRange({ before, after, around, limit }: PageQuery) {
  if (after !== undefined) return { start: after + 1, older: 0, newer: limit }
  if (around === undefined)
    return { start: before ?? Number.MAX_SAFE_INTEGER, older: limit, newer: 0 }
  const older = Math.floor(limit / 2)
  return { start: around, older, newer: limit - older }
}

/**
 * Returns the range of messages that fits into one response. The range starts empty at `middle`, and grows in
 * both directions, at most to `first` and `end`.
 */
function limitToBytes(messages: PagedMessage[], middle: number, first: number, end: number) {
  let [from, to, left] = [middle, middle, maxResponseBytes]
  while (true) {
    const newer = to < end ? messages[to] : undefined
    const older = from > first ? messages[from - 1] : undefined
    left -= maxBytesOf(newer) + maxBytesOf(older)
    if (left < 0 || !(newer || older)) return { from, to }
    if (newer) to++
    if (older) from--
  }
}

function maxBytesOf(message: PagedMessage | undefined): number {
  if (!message) return 0
  const isShort = message.text.length <= 500 && message.reactions.length === 0 && !message.card
  return isShort ? 8_000 : sizeOf(message)
}

function toPagedMessage(
  row: PageRow,
  room: RoomId,
  threadId: MessageId | '',
  caller: UserId,
): PagedMessage {
  const { id, sender, text, mentions, card, words } = row
  const message = toMessage({
    id,
    room,
    threadId,
    seq: Number(row.seq),
    sender,
    clientId: row.client_id,
    text,
    mentions,
    card,
    at: new Date(row.at),
    editedSeq: null,
    editedAt: row.edited_at === null ? null : new Date(row.edited_at),
    deletedAt: row.deleted_at === null ? null : new Date(row.deleted_at),
  })
  const reactions = words ? toReactions(words, caller) : []
  return row.last_reply === null
    ? { ...message, reactions }
    : { ...message, reactions, replies: toReplies(row, row.last_reply) }
}

function toReplies({ replies, senders, last_at, seqs }: PageRow, lastReply: string) {
  return {
    count: Number(replies),
    lastSeq: Number(lastReply),
    ...(last_at === null ? {} : { lastAt: new Date(last_at).toISOString() }),
    users: [...new Set(senders ?? [])].slice(0, maxRepliers),
    ...(seqs === null ? {} : { deleted: seqs }),
  }
}

function toReactions(words: ReactionRow[], caller: UserId): PagedMessage['reactions'] {
  const byEmoji = new Map<string, UserId[]>()
  for (const [emoji, user, on] of words.sort(([, , , a], [, , , b]) => a - b)) {
    const users = byEmoji.get(emoji) ?? []
    if (on) users.push(user)
    byEmoji.set(emoji, users)
  }
  return [...byEmoji]
    .filter(([, users]) => users.length > 0)
    .map(([emoji, users]) => ({
      emoji,
      count: users.length,
      users: limitNamedUsers(users, caller),
    }))
}

function limitNamedUsers(users: UserId[], caller: UserId): UserId[] {
  const named = users.slice(0, maxNamedUsers)
  if (users.includes(caller) && !named.includes(caller)) named[maxNamedUsers - 1] = caller
  return named
}
