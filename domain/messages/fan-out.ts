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

type StoredPlace = NonNullable<Context['streamPosition']>

/** Up to this many characters a message goes along with its notification. */
const maxInlineText = 1_000

/**
 * What is shed is not told to anybody, so much may wait: for a list of members, and all that wait for
 * one list wait for it together.
 */
export const fanoutOptions = {
  concurrency: 4_000,
  maxQueued: 16_000,
  resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
} as const

/** The last event of each room that is being told: the next one waits for it. */
const lastBroadcasts = new Map<RoomId, Promise<void>>()

/**
 * Tells a room what the log has just taken, in the log's order. What this misses because a process
 * dies, clients notice by `prev` and fetch.
 */
export async function fanOut(event: RoomEvent, context: Context): Promise<void> {
  const { streamPosition } = context
  if (!streamPosition) throw new FunctionError('invalid', 'An event must come from the log')
  const { room } = event
  if (event.kind === 'message' && isRecent(event.at)) {
    // The log has it anyway, so nobody waits for this.
    const said = { ...withoutKind(event), seq: streamPosition.seq }
    cacheMessage(said, !isLong(event), context).catch((error) =>
      context.log.warn({ err: error }, 'message not cached; readers find it in the log'),
    )
  }

  const before = lastBroadcasts.get(room)
  const now = () => broadcast(event, streamPosition, context)
  const turn = before ? before.then(now, now) : now()
  lastBroadcasts.set(room, turn)
  try {
    await turn
  } finally {
    if (lastBroadcasts.get(room) === turn) lastBroadcasts.delete(room)
  }
}

/**
 * Of what is older the cache may have forgotten what became of it, and must not say again what is
 * deleted: it is told late, or stands in the log a second time.
 */
function isRecent(at: string): boolean {
  return Date.parse(at) > Date.now() - 5_000
}

/** All who listen to a public room at once, the members of any other one by one. */
async function broadcast(event: RoomEvent, stored: StoredPlace, context: Context): Promise<void> {
  // Those who wait behind a function that does not answer would wait for it once each.
  if (Date.now() > context.deadline) throw new FunctionError('timeout', 'Too late to be told')
  const notice = toNotice(event, stored)
  const audience = isArchiveEvent(event)
    ? await findPersistedMembers(event.room)
    : await findSubscribers(event.room, context)
  if (audience === 'everyone') {
    context.publish(roomNotify, notice)
    // Whoever has just come does not listen to the room yet.
    const newcomer = joinedUser(event)
    if (newcomer !== undefined) context.publishEach(deliverNotify, 'user', [newcomer], notice)
    return
  }
  // Who went is nobody the room is told of any more, and must know all the same.
  const gone = removedUser(event)
  const hearers = gone === undefined ? audience : [...new Set([...audience, gone])]
  context.publishEach(deliverNotify, 'user', hearers, notice)
}

/** Asks again where there was no answer in time, as long as there is any. */
async function findSubscribers(room: RoomId, context: Context) {
  for (;;) {
    try {
      return await findAudience(room, context)
    } catch (error) {
      const isLate = error instanceof FunctionError && error.code === 'timeout'
      if (!isLate || Date.now() > context.deadline) throw error
    }
  }
}

function toNotice(event: RoomEvent, { seq, prev }: StoredPlace): Notice {
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
  return 'text' in event && event.text.length > maxInlineText
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

/** The index is emptied before that is told, and perhaps not yet filled again. */
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
