import { type ConsumerProgress, type Context, FunctionError, type StreamMessage } from '#runtime'
import { type MessageId, type RoomId, readNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom, type chatThread, type RoomEvent, type RoomEventOf } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

type UnpersistedChange = Pick<Message, 'text' | 'mentions' | 'editedAt' | 'deletedAt'> & {
  editedSeq: number
}
interface UnpersistedChanges {
  since: number
  changes: ReadonlyMap<MessageId, UnpersistedChange>
}

const maxEvents = 2_000
const noChanges: UnpersistedChanges = { since: 0, changes: new Map() }

const cachedChanges = singleFlight(
  (room: RoomId, { since, context }: { since: number; context: Context }) =>
    readUnpersisted(room, since, context),
)

/**
 * Applies the deletions that are not persisted yet to `messages`. The caller must have read
 * `progress` before `messages`. Otherwise, a deletion that is persisted between the two reads would
 * be overlooked: it would be missing from `messages`, and `progress` would say that it is
 * persisted.
 */
export async function maskDeleted<M extends Message>(
  room: RoomId,
  messages: readonly M[],
  progress: ConsumerProgress,
  context: Context,
): Promise<M[]> {
  if (messages.length === 0) return []
  const { changes } = await findUnpersisted(room, progress, context)
  return messages.map((message) => {
    const change = changes.get(message.id)
    return change?.deletedAt ? applyChange(message, change) : message
  })
}

/**
 * Applies the latest edit or the deletion of a message if this change is not persisted yet. The
 * caller must have read `progress` before `message`. Otherwise, a change that is persisted between
 * the two reads would be overlooked: it would be missing from `message`, and `progress` would say
 * that it is persisted.
 */
export async function applyPendingChanges(
  message: Message,
  progress: ConsumerProgress,
  context: Context,
): Promise<Message> {
  const { changes } = await findUnpersisted(message.room, progress, context)
  const change = changes.get(message.id)
  const isNewer = change && change.editedSeq > (message.editedSeq ?? message.seq)
  return isNewer ? applyChange(message, change) : message
}

/**
 * Returns the events of a room after `since`, the sequence up to which all events are persisted.
 * Throws `unavailable` if there are more than `maxEvents` such events.
 */
export async function readUnpersistedEvents(
  room: RoomId,
  topics: readonly (typeof chatRoom | typeof chatThread)[],
  since: number,
  context: Context,
): Promise<StreamMessage<RoomEvent>[]> {
  const events = await context.readAfter(CHAT_MESSAGES, topics, { room }, since, maxEvents)
  if (events) return events
  throw new FunctionError(
    'unavailable',
    `The database is too far behind in room ${room}; try again`,
    {
      retryAfterMs: 1_000,
    },
  )
}

function applyChange<M extends Message>(message: M, change: UnpersistedChange): M {
  if (message.deletedAt) return message
  const { editedAt: _, card: __, ...unedited } = message
  const hasReactions = change.deletedAt && 'reactions' in message
  return { ...unedited, ...(hasReactions ? { reactions: [] } : {}), ...change } as M
}

async function findUnpersisted(
  room: RoomId,
  progress: ConsumerProgress,
  context: Context,
): Promise<UnpersistedChanges> {
  if (progress.caughtUp) return noChanges
  const cached = await cachedChanges(room, { since: progress.seq, context })
  // The shared read may have been started by a concurrent call, at a later sequence. It then lacks
  // changes that were persisted after this call had read `progress`, and this call may need them.
  // So the events are read again.
  return cached.since <= progress.seq ? cached : readUnpersisted(room, progress.seq, context)
}

async function readUnpersisted(
  room: RoomId,
  since: number,
  context: Context,
): Promise<UnpersistedChanges> {
  const events = await readUnpersistedEvents(room, [chatRoom], since, context)
  const changes = new Map<MessageId, UnpersistedChange>()
  for (const { seq, data } of events) {
    if (data.kind !== 'edit' && data.kind !== 'delete') continue
    const { id } = readNotifyId(data.message.notifyId)
    if (!changes.get(id)?.deletedAt) changes.set(id, toChange(seq, data))
  }
  return { since, changes }
}

function toChange(seq: number, event: RoomEventOf<'edit' | 'delete'>): UnpersistedChange {
  if (event.kind === 'delete')
    return { text: '', mentions: [], deletedAt: event.at, editedSeq: seq }
  const { text, mentions, at } = event
  return { text, mentions, editedAt: at, editedSeq: seq }
}
