import { LRUCache } from 'lru-cache'
import { type Context, FunctionError, type Handled } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/log'
import { CHAT_MESSAGES } from '#schema/streams'

/** What becomes of a message that is deleted. */
type Tombstone = Required<Pick<Message, 'deletedAt' | 'editedSeq'>>
type Tombstones = ReadonlyMap<MessageId, Tombstone>

/** So much of a room may happen before the database has it; more would be too much to look through. */
const mostEvents = 2_000

/** Many who read a room at once look once, and what was deleted less than this ago may be missed. */
const known = new LRUCache<RoomId, Tombstones, { since: number; context: Context }>({
  max: 500,
  ttl: 100,
  ignoreFetchAbort: true,
  fetchMethod: (room, _stale, { context: { since, context } }) => readLog(room, since, context),
})

/**
 * Takes from messages of the database what the log says is deleted. Whoever deletes has it done in
 * both before the answer, but where the database is away they leave it to `persist`, which may be
 * half a minute behind when the database is back. `handled` was found before the database was asked.
 */
export async function hideDeleted<M extends Message>(
  room: RoomId,
  messages: readonly M[],
  handled: Handled,
  context: Context,
): Promise<M[]> {
  if (handled.isAll || messages.length === 0) return [...messages]
  const deleted = await known.fetch(room, { context: { since: handled.seq, context } })
  return messages.map((message) => {
    const tombstone = deleted?.get(message.id)
    return tombstone && !message.deletedAt ? bury(message, tombstone) : message
  })
}

function bury<M extends Message>({ editedAt: _, ...message }: M, tombstone: Tombstone): M {
  const reactions = 'reactions' in message ? { reactions: [] } : {}
  return { ...message, ...reactions, ...tombstone, text: '', mentions: [] } as unknown as M
}

async function readLog(room: RoomId, since: number, context: Context): Promise<Tombstones> {
  const events = await context.readAfter(CHAT_MESSAGES, [chatRoom], { room }, since, mostEvents)
  if (!events)
    throw new FunctionError('unavailable', `Too much of ${room} is not in the database yet`, {
      retryAfterMs: 1_000,
    })
  const deletions = events.flatMap(({ seq, data }) =>
    data.kind === 'delete'
      ? [[readNotifyId(data.message.notifyId).id, { deletedAt: data.at, editedSeq: seq }] as const]
      : [],
  )
  return new Map(deletions)
}
