import type { OutputOf } from '#runtime'
import { db } from '#schema/db'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { chatHistory, PagedMessage } from '#schema/messages/chat'
import { toMessage } from './message-cache.ts'
import { maxResponseBytes, sizeOf } from './response-size.ts'

export interface PageQuery {
  room: RoomId
  /** Of the room itself, where absent. */
  threadId?: MessageId
  before?: number | undefined
  after?: number | undefined
  around?: number | undefined
  limit: number
  /** Who reads: always among those who are named of a reaction's many. */
  caller: UserId
}
type Page = OutputOf<typeof chatHistory>

/** So many of those who reacted with one emoji are named. */
const maxNamedUsers = 100

/**
 * $1 room, $2 thread, $3 where to begin, $4 how many before that, $5 how many from there on. Walks
 * along one key in both directions, and along it again for the threads, of which it counts a thousand
 * answers. All in one statement, so that the head says what the messages are as of: it stands alone
 * where there are none.
 */
export const pageQuery = `
  select head, page.*,
    (select json_agg(json_build_array(emoji, user_id, "on", first_seq))
      from reactions where message_id = page.id) as words,
    (select reply.seq from messages as reply
      where reply.room = $1 and reply.thread_id = page.id and $2 = ''
      order by reply.seq desc limit 1) as last_reply,
    (select count(*) from (select from messages as reply
      where reply.room = $1 and reply.thread_id = page.id and $2 = '' limit 1000) as counted) as replies
  from (select coalesce(max(seq), 0) as head from room_heads where room = $1) as heads
  left join (
    (select id, seq, sender, client_id, text, mentions, at, edited_at, deleted_at
      from messages where room = $1 and thread_id = $2 and seq < $3 order by seq desc limit $4)
    union all
    (select id, seq, sender, client_id, text, mentions, at, edited_at, deleted_at
      from messages where room = $1 and thread_id = $2 and seq >= $3 order by seq limit $5)
  ) as page on true`

/** What the driver makes of it: it leaves large numbers and times as they are written. */
interface PageRow {
  head: string
  id: MessageId
  seq: string
  sender: UserId
  client_id: ClientId
  text: string
  mentions: UserId[]
  at: string
  edited_at: string | null
  deleted_at: string | null
  words: ReactionRow[] | null
  last_reply: string | null
  replies: string
}

/** One person's word on a message. All of them, since an emoji's place is that of its first. */
type ReactionRow = [emoji: string, user: UserId, on: boolean, firstSeq: number]

/** One page of a room or a thread, oldest first, from where it begins towards either side. */
export async function readPage(asked: PageQuery): Promise<Page> {
  const { room, threadId = '', caller } = asked
  const { start, older, newer } = readRange(asked)
  // One more on either side, to see whether there is more. By the driver itself: drizzle takes a
  // quarter of the whole to read the rows.
  const values = [room, threadId, start, older + 1, newer + 1]
  const rows = await db.$client.unsafe<(PageRow | (Pick<PageRow, 'head'> & { id: null }))[]>(
    pageQuery,
    values,
  )

  const found = rows
    .filter((row) => row.id !== null)
    .map((row) => toPagedMessage(row, room, threadId, caller))
    .sort((a, b) => a.seq - b.seq)
  const at = found.filter(({ seq }) => seq < start).length
  const { from, to } = limitToBytes(found, at, Math.max(0, at - older), at + newer)
  return {
    messages: found.slice(from, to),
    before: from > 0,
    after: to < found.length,
    asOf: Number(rows[0]?.head),
  }
}

/** Where a page begins, and how far it goes from there. */
function readRange({ before, after, around, limit }: PageQuery) {
  if (after !== undefined) return { start: after + 1, older: 0, newer: limit }
  if (around === undefined)
    return { start: before ?? Number.MAX_SAFE_INTEGER, older: limit, newer: 0 }
  const older = Math.floor(limit / 2)
  return { start: around, older, newer: limit - older }
}

/** Goes from where a page begins towards both ends, as far as it does not get too large. */
function limitToBytes(found: PagedMessage[], at: number, first: number, end: number) {
  let [from, to, left] = [at, at, maxResponseBytes]
  while (true) {
    const newer = to < end ? found[to] : undefined
    const older = from > first ? found[from - 1] : undefined
    left -= bytesOf(newer) + bytesOf(older)
    if (left < 0 || !(newer || older)) return { from, to }
    if (newer) to++
    if (older) from--
  }
}

/** In bytes, or more: a hundred short ones always fit, so only others are measured. */
function bytesOf(message: PagedMessage | undefined): number {
  if (!message) return 0
  const isShort = message.text.length <= 500 && message.reactions.length === 0
  return isShort ? 8_000 : sizeOf(message)
}

function toPagedMessage(
  row: PageRow,
  room: RoomId,
  threadId: MessageId | '',
  caller: UserId,
): PagedMessage {
  const { id, sender, text, mentions, words } = row
  const message = toMessage({
    id,
    room,
    threadId,
    seq: Number(row.seq),
    sender,
    clientId: row.client_id,
    text,
    mentions,
    at: new Date(row.at),
    editedSeq: null,
    editedAt: row.edited_at === null ? null : new Date(row.edited_at),
    deletedAt: row.deleted_at === null ? null : new Date(row.deleted_at),
  })
  const reactions = words ? toReactions(words, caller) : []
  if (row.last_reply === null) return { ...message, reactions }
  const replies = { count: Number(row.replies), lastSeq: Number(row.last_reply) }
  return { ...message, reactions, replies }
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
  const some = users.slice(0, maxNamedUsers)
  if (users.includes(caller) && !some.includes(caller)) some[maxNamedUsers - 1] = caller
  return some
}
