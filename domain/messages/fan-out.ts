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

/** A notification includes the event if its text is no longer than this. */
const maxInlineTextLength = 1_000

/**
 * The queue is long, because an event beyond it is never broadcast. Events mostly wait for the members of
 * their room, which one call fetches for all of them.
 */
export const fanoutOptions = {
  concurrency: 4_000,
  maxQueued: 16_000,
  resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
} as const

const lastBroadcasts = new Map<RoomId, Promise<void>>()

/**
 * Broadcasts an event that the log has just stored to the subscribers of its room, in the order of the
 * log. Clients detect a broadcast lost with its process by `prev`, and fetch the event.
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
    // Not awaited: readers find the message in the log as well.
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
 * Older messages, broadcast late or stored twice, are not cached: the cache entry of their edit or
 * deletion may have expired, and a deleted text would become readable again.
 */
function isRecent(at: string): boolean {
  return Date.parse(at) > Date.now() - 5_000
}

async function broadcast(event: RoomEvent, position: Position, context: Context): Promise<void> {
  // While room.members does not answer, each queued event would otherwise wait for its own timeout.
  if (Date.now() > context.deadline)
    throw new FunctionError('timeout', 'The deadline passed before the broadcast')
  const notice = toNotice(event, position)
  const audience = isArchiveEvent(event)
    ? await findPersistedMembers(event.room)
    : await findAudienceWithRetry(event.room, context)
  if (audience === 'everyone') {
    context.publish(roomNotify, notice)
    // A new member does not subscribe to the room yet.
    const joined = joinedUser(event)
    if (joined !== undefined) context.publishEach(deliverNotify, 'user', [joined], notice)
    return
  }
  // The event of a removal also goes to the removed user, who is no longer in the audience.
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

/** The index has no members of the room when these are broadcast, so they are read from the database. */
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
