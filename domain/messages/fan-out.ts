import { type Context, FunctionError } from '#runtime'
import { type RoomId, toNotifyId, type UserId } from '#schema/ids'
import {
  deliverNotify,
  type Notice,
  type RoomEvent,
  type RoomEventOf,
  roomNotify,
} from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { findAudience, findPersistedMembers } from '../rooms/audience.ts'
import { cacheMessage, withoutKind } from './message-cache.ts'

type Position = NonNullable<Context['streamPosition']>

/**
 * Maximum text length of an event that is included in its notification. Clients fetch a longer
 * message by `msg.get`.
 */
const maxInlineTextLength = 1_000

/**
 * Options of `fanout` and `fanout.thread`. The queue is long, because an event that does not fit into
 * it is never broadcast. Many events may be handled at once, because they mostly wait for the list of
 * members of their room, which a single call fetches for all events of the room.
 */
export const fanoutOptions = {
  concurrency: 4_000,
  maxQueued: 16_000,
  resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
} as const

const lastBroadcasts = new Map<RoomId, Promise<void>>()

/**
 * Broadcasts an event that CHAT_MESSAGES has just stored to the audience of its room, in the order of
 * the stream. If the process dies before the broadcast, clients detect the missing event by the field `prev` of
 * the next notification and fetch it.
 */
export async function fanOut(event: RoomEvent, context: Context): Promise<void> {
  const { streamPosition } = context
  if (!streamPosition)
    throw new FunctionError(
      'invalid',
      'The event has no stream position: it must be republished by the log',
    )
  const { room } = event
  if (event.kind === 'message' && isRecent(event.at)) {
    // Not awaited: until the message is cached, readers find it in CHAT_MESSAGES.
    const message = { ...withoutKind(event), seq: streamPosition.seq }
    cacheMessage(message, !isLong(event), context).catch((error) =>
      context.log.warn({ err: error }, 'message not cached; readers find it in the log'),
    )
  }

  const previous = lastBroadcasts.get(room)
  const start = () => broadcast(event, streamPosition, context)
  const current = previous ? previous.then(start, start) : start()
  lastBroadcasts.set(room, current)
  try {
    await current
  } finally {
    if (lastBroadcasts.get(room) === current) lastBroadcasts.delete(room)
  }
}

/**
 * Returns true for a message that was sent in the last 5 s. Older messages, which are broadcast late
 * or were stored twice, must not be cached: if the message was edited or deleted, the cache entry of
 * that change may have expired, and a deleted text would become readable again.
 */
function isRecent(at: string): boolean {
  return Date.parse(at) > Date.now() - 5_000
}

async function broadcast(event: RoomEvent, position: Position, context: Context): Promise<void> {
  // While the function room.members does not respond, events wait in the queue beyond their deadline.
  // Without this check, each of them would then call room.members and wait for its timeout again.
  if (Date.now() > context.deadline)
    throw new FunctionError('timeout', 'The deadline passed before the broadcast')
  const notice = toNotice(event, position)
  const audience = isArchiveEvent(event)
    ? await findPersistedMembers(event.room)
    : await findAudienceWithRetry(event.room, context)
  if (audience === 'everyone') {
    context.publish(roomNotify, notice)
    // A user who has just joined is not subscribed to the room yet, so the event is also published to
    // that user.
    const joined = joinedUser(event)
    if (joined !== undefined) context.publishEach(deliverNotify, 'user', [joined], notice)
    return
  }
  // The event of a kick or leave is also published to the removed user, who is no longer in the
  // audience.
  const removed = removedUser(event)
  const recipients = removed === undefined ? audience : [...new Set([...audience, removed])]
  context.publishEach(deliverNotify, 'user', recipients, notice)
}

async function findAudienceWithRetry(room: RoomId, context: Context) {
  for (;;) {
    try {
      return await findAudience(room, context)
    } catch (error) {
      const isTimeout = error instanceof FunctionError && error.code === 'timeout'
      if (!isTimeout || Date.now() > context.deadline) throw error
    }
  }
}

function toNotice(event: RoomEvent, { seq, prev }: Position): Notice {
  const { room, kind } = event
  return {
    room,
    kind,
    seq,
    prev,
    ...messageFields(event, seq),
    ...(kind === 'message' ? threadFields(event) : {}),
    ...(isLong(event) ? {} : { event }),
  }
}

function isLong(event: RoomEvent): boolean {
  return 'text' in event && event.text.length > maxInlineTextLength
}

function threadFields({ threadId, threadBy }: RoomEventOf<'message'>) {
  return {
    ...(threadId === undefined ? {} : { threadId }),
    ...(threadBy === undefined ? {} : { threadBy }),
  }
}

function messageFields(event: RoomEvent, seq: number): Pick<Notice, 'notifyId'> {
  if (event.kind === 'message') return { notifyId: toNotifyId({ seq, id: event.id }) }
  return 'message' in event ? { notifyId: event.message.notifyId } : {}
}

/**
 * Returns true for an archive or restore event. For these, the members are read from the database,
 * because the member index ROOMS_KV has no members of an archived room.
 */
function isArchiveEvent(event: RoomEvent): boolean {
  return event.kind === 'room' && (event.action === 'archive' || event.action === 'restore')
}

function joinedUser(event: RoomEvent): UserId | undefined {
  return event.kind === 'member' && event.action === 'join' ? event.userId : undefined
}

function removedUser(event: RoomEvent): UserId | undefined {
  if (event.kind !== 'member') return undefined
  return event.action === 'kick' || event.action === 'leave' ? event.userId : undefined
}
