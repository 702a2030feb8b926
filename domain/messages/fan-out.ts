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
import {
  type Audience,
  findArchiveAudience,
  findAudience,
  findRestoreAudience,
} from '../rooms/audience.ts'
import { markAnnounced, publicPartOf, publishEncrypted } from '../rooms/room-key.ts'
import { cacheMessage, withoutKind } from './message-cache.ts'

type Position = NonNullable<Context['streamPosition']>

/** A notification does not include a longer text. Clients fetch such a message with `msg.get`. */
const maxInlineTextLength = 1_000

/**
 * The queue is long, because an event that arrives at a full queue is never broadcast. The
 * concurrency is high, because most calls only wait for the list of members, and concurrent calls
 * for one room share one read of this list.
 */
export const fanoutOptions = {
  concurrency: 4_000,
  maxQueued: 16_000,
  resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
} as const

const lastBroadcasts = new Map<RoomId, Promise<void>>()

/**
 * Broadcasts an event from CHAT_MESSAGES to the audience of its room, in the order of the stream.
 * If the process dies before the broadcast, clients detect the gap: `prev` in the next notification
 * is the sequence of the event that they have missed.
 */
export async function fanOut(event: RoomEvent, context: Context): Promise<void> {
  const { streamPosition } = context
  if (!streamPosition)
    throw new FunctionError(
      'invalid',
      'The event has no stream position: it must be republished by the log',
    )
  const { room } = event
  if (event.kind === 'message' && isLong(event) && isRecent(event.at)) {
    // The write to the cache is not awaited, because readers find the message in CHAT_MESSAGES
    // until it is cached.
    const message = { ...withoutKind(event), seq: streamPosition.seq }
    cacheMessage(message, context).catch((error) =>
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
 * Returns true for a message that was sent in the last 5 s. For an older message, the cache entry
 * of its deletion may have expired. If the message were cached then, its deleted text would become
 * readable again.
 */
function isRecent(at: string): boolean {
  return Date.parse(at) > Date.now() - 5_000
}

async function broadcast(event: RoomEvent, position: Position, context: Context): Promise<void> {
  // While `room.members` does not respond, events wait in the queue beyond their deadline. Without
  // this check, each of these events would call `room.members` and wait for another timeout.
  if (Date.now() > context.deadline)
    throw new FunctionError('timeout', 'The deadline passed before the broadcast')
  const notice = toNotice(event, position)
  const audience = await findAudienceOf(event, context)
  if (audience === 'everyone') {
    context.publish(roomNotify, notice)
    // A user who has just joined is not subscribed to `roomNotify` of this room yet, and receives
    // the event separately.
    context.publishEach(deliverNotify, 'user', changedUser(event, ['join']), notice)
    return
  }
  // These users receive the event separately: a new member does not have the key yet, and a user
  // who was kicked or left is no longer in the audience.
  const changed = changedUser(event, ['join', 'kick', 'leave'])
  if ('key' in audience) {
    publishEncrypted(audience.key, { notify: notice }, context)
    context.publishEach(deliverNotify, 'user', changed, notice)
    return
  }
  const { announcement } = audience
  const recipients = [...new Set([...audience.users, ...changed])]
  if (!announcement) {
    context.publishEach(deliverNotify, 'user', recipients, notice)
    return
  }
  const { key, holders } = announcement
  const { holds = [], lacks = [] } = Object.groupBy(recipients, (user) =>
    holders.has(user) ? 'holds' : 'lacks',
  )
  const roomKey = publicPartOf(key)
  context.publishEach(deliverNotify, 'user', holds, { ...notice, roomKey })
  context.publishEach(deliverNotify, 'user', lacks, notice)
  await markAnnounced(event.room, key, context)
}

function findAudienceOf(event: RoomEvent, context: Context): Promise<Audience> {
  const action = event.kind === 'room' ? event.action : undefined
  if (action === 'archive') return findArchiveAudience(event.room, context)
  if (action === 'restore') return findRestoreAudience(event.room)
  return findAudienceWithRetry(event.room, context)
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

function changedUser(
  event: RoomEvent,
  actions: readonly RoomEventOf<'member'>['action'][],
): UserId[] {
  return event.kind === 'member' && actions.includes(event.action) ? [event.userId] : []
}
