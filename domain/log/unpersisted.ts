import { type ConsumerProgress, type Context, FunctionError, type StreamMessage } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom, type chatThread, type RoomEvent } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

/** What became of a message later than the database knows: its newest edit, or its deletion. */
type Change = Pick<Message, 'text' | 'mentions' | 'editedAt' | 'deletedAt'> & { editedSeq: number }
/** All of a room since an event. */
interface UnpersistedChanges {
  since: number
  changes: ReadonlyMap<MessageId, Change>
}

/** So much of a room may happen before the database has it; more would be too much to look through. */
const maxEvents = 2_000
const noChanges: UnpersistedChanges = { since: 0, changes: new Map() }

const cachedChanges = singleFlight((room: RoomId, ask: { since: number; context: Context }) =>
  readUnpersisted(room, ask.since, ask.context),
)

/**
 * Takes from messages of the database what the log says is deleted. Whoever deletes has it done in
 * both before the answer, but where the database is away they leave it to `persist`, which may be
 * half a minute behind when the database is back. `handled` was found before the database was asked.
 */
export async function maskDeleted<M extends Message>(
  room: RoomId,
  messages: readonly M[],
  handled: ConsumerProgress,
  context: Context,
): Promise<M[]> {
  if (messages.length === 0) return []
  const { changes } = await findUnpersisted(room, handled, context)
  return messages.map((message) => {
    const change = changes.get(message.id)
    return change?.deletedAt ? changeTo(message, change) : message
  })
}

/** Brings one message of the database, or of the log, up to what the log has of it. */
export async function applyPendingChanges(
  message: Message,
  handled: ConsumerProgress,
  context: Context,
): Promise<Message> {
  const { changes } = await findUnpersisted(message.room, handled, context)
  const change = changes.get(message.id)
  const isNewer = change && change.editedSeq > (message.editedSeq ?? message.seq)
  return isNewer ? changeTo(message, change) : message
}

/** What the log has of a room since an event up to which the database has all of it. */
export async function readUnpersistedEvents(
  room: RoomId,
  topics: readonly (typeof chatRoom | typeof chatThread)[],
  since: number,
  context: Context,
): Promise<StreamMessage<RoomEvent>[]> {
  const events = await context.readAfter(CHAT_MESSAGES, topics, { room }, since, maxEvents)
  if (events) return events
  throw new FunctionError('unavailable', `Too much of ${room} is not in the database yet`, {
    retryAfterMs: 1_000,
  })
}

/** What is deleted stays so: its place is all that is left of it. */
function changeTo<M extends Message>(message: M, change: Change): M {
  if (message.deletedAt) return message
  const { editedAt: _, ...place } = message
  const isGone = change.deletedAt && 'reactions' in message
  return { ...place, ...(isGone ? { reactions: [] } : {}), ...change } as M
}

async function findUnpersisted(
  room: RoomId,
  handled: ConsumerProgress,
  context: Context,
): Promise<UnpersistedChanges> {
  if (handled.caughtUp) return noChanges
  const found = await cachedChanges(room, { since: handled.seq, context })
  // Whoever began later may leave out what the database had by then, and not yet when we asked it.
  return found.since <= handled.seq ? found : readUnpersisted(room, handled.seq, context)
}

async function readUnpersisted(
  room: RoomId,
  since: number,
  context: Context,
): Promise<UnpersistedChanges> {
  const events = await readUnpersistedEvents(room, [chatRoom], since, context)
  const changes = new Map<MessageId, Change>()
  for (const { seq, data } of events) {
    if (data.kind !== 'edit' && data.kind !== 'delete') continue
    const { id } = readNotifyId(data.message.notifyId)
    if (!changes.get(id)?.deletedAt) changes.set(id, toChange(seq, data))
  }
  return { since, changes }
}

function toChange(seq: number, event: Extract<RoomEvent, { kind: 'edit' | 'delete' }>): Change {
  if (event.kind === 'delete')
    return { text: '', mentions: [], deletedAt: event.at, editedSeq: seq }
  const { text, mentions, at } = event
  return { text, mentions, editedAt: at, editedSeq: seq }
}
