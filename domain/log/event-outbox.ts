import { asc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { RoomEventOf } from '#schema/messages/event'
import { pendingEvents } from '#schema/tables/room'
import type { Transaction } from '../rooms/room-lock.ts'
import { appendEvent } from './append.ts'

type OutboxEvent = RoomEventOf<'room' | 'member' | 'message'>
/** A plain `Omit` of the union type would drop all fields that only some kinds of events have. */
export type UntimedEvent = OutboxEvent extends infer Kind
  ? Kind extends OutboxEvent
    ? Omit<Kind, 'at'>
    : never
  : never

/** Inserts events into the outbox. The caller must call `flushOutbox` after the commit. */
export async function enqueueEvents(
  events: readonly UntimedEvent[],
  tx: Transaction,
): Promise<void> {
  const at = new Date().toISOString()
  const rows = events.map((event) => ({ room: event.room, event: { ...event, at } }))
  await tx.insert(pendingEvents).values(rows)
}

const flushing = new Map<RoomId, Promise<void>>()
const queued = new Map<RoomId, Promise<void>>()

/**
 * Appends the events in a room's outbox to the stream CHAT_MESSAGES in order, and deletes them from
 * the outbox. Several processes may do this at once, because the stream deduplicates by event id.
 * Throws `unavailable` if the stream is full or does not respond.
 */
export function flushOutbox(room: RoomId, context: Context): Promise<void> {
  const next = queued.get(room)
  if (next) return next
  const flush = flushAfterCurrent(room, context)
  queued.set(room, flush)
  return flush
}

export async function findStaleRooms(minAgeMs: number, maxRooms: number): Promise<RoomId[]> {
  const rows = await db
    .selectDistinct({ room: pendingEvents.room })
    .from(pendingEvents)
    .where(lt(pendingEvents.at, sql`now() - ${minAgeMs} * interval '1 millisecond'`))
    .limit(maxRooms)
  return rows.map(({ room }) => room)
}

async function flushAfterCurrent(room: RoomId, context: Context): Promise<void> {
  // This await is needed even if no flush is running: it lets `flushOutbox` store the promise of
  // this call in `queued`. The code below reads the promise there.
  await Promise.resolve(flushing.get(room)).catch(() => {})
  const flush = queued.get(room) as Promise<void>
  queued.delete(room)
  flushing.set(room, flush)
  try {
    await appendPending(room, context)
  } finally {
    if (flushing.get(room) === flush) flushing.delete(room)
  }
}

async function appendPending(room: RoomId, context: Context): Promise<void> {
  const pending = await db
    .select()
    .from(pendingEvents)
    .where(eq(pendingEvents.room, room))
    .orderBy(asc(pendingEvents.place))
  if (pending.length === 0) return
  for (const { id, event } of pending) await appendEvent(event, context, deduplicationId(id, event))
  const places = pending.map(({ place }) => place)
  await db.delete(pendingEvents).where(inArray(pendingEvents.place, places))
}

/**
 * The deduplication id of a message never equals that of another event, because client ids contain
 * no dot.
 */
function deduplicationId(id: string, event: OutboxEvent): string {
  return event.kind === 'message' ? `${event.sender}.${event.clientId}` : `room.event.${id}`
}
