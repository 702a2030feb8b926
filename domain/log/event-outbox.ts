import { asc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { RoomEventOf } from '#schema/messages/event'
import { pendingEvents } from '#schema/tables/room'
import type { Transaction } from '../rooms/room-lock.ts'
import { appendEvent } from './append.ts'

type OutboxEvent = RoomEventOf<'room' | 'member'>
/** An event without its time. A plain `Omit` would drop the fields that the kinds do not share. */
export type UntimedEvent = OutboxEvent extends infer Kind
  ? Kind extends OutboxEvent
    ? Omit<Kind, 'at'>
    : never
  : never

/**
 * Inserts events into the transactional outbox, in the transaction of their change. Call `flushOutbox`
 * after its commit; if that fails or the process dies before, `room.finish` does so.
 */
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
 * Appends a room's outbox to the log in order. Safe in several processes at once, as the log deduplicates
 * by event id; within a process, calls during a flush share the next one. Throws `unavailable` when the
 * log is full or does not answer, and the events stay in the outbox.
 */
export function flushOutbox(room: RoomId, context: Context): Promise<void> {
  const next = queued.get(room)
  if (next) return next
  const flush = flushAfterCurrent(room, context)
  queued.set(room, flush)
  return flush
}

/** Returns rooms with outbox events older than `minAgeMs`: their flush has failed or its process died. */
export async function findStaleRooms(minAgeMs: number, maxRooms: number): Promise<RoomId[]> {
  const rows = await db
    .selectDistinct({ room: pendingEvents.room })
    .from(pendingEvents)
    .where(lt(pendingEvents.at, sql`now() - ${minAgeMs} * interval '1 millisecond'`))
    .limit(maxRooms)
  return rows.map(({ room }) => room)
}

async function flushAfterCurrent(room: RoomId, context: Context): Promise<void> {
  // Yields even without a running flush, so that the caller has put this promise into `queued`.
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
  // A message's id, `sender.clientId`, cannot equal these: client ids contain no dot.
  for (const { id, event } of pending) await appendEvent(event, context, `room.event.${id}`)
  const places = pending.map(({ place }) => place)
  await db.delete(pendingEvents).where(inArray(pendingEvents.place, places))
}
