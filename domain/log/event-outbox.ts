import { asc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { RoomEventOf } from '#schema/messages/event'
import { pendingEvents } from '#schema/tables/room'
import type { Transaction } from '../rooms/room-lock.ts'
import { appendEvent } from './append.ts'

type OutboxEvent = RoomEventOf<'room' | 'member'>
// Of each kind on its own: what they have not in common stays.
type UntimedEvent = OutboxEvent extends infer Kind
  ? Kind extends OutboxEvent
    ? Omit<Kind, 'at'>
    : never
  : never

/*
 * Who belongs to a room is kept in the database, and told by the log: two writes, and a process may die
 * between them, or the log may be full. So the event is written with the change, in its transaction, and
 * from there into the log.
 */

/** Notes what a transaction makes of a room, for `logPending` after it. */
export async function enqueueEvents(
  events: readonly UntimedEvent[],
  tx: Transaction,
): Promise<void> {
  const at = new Date().toISOString()
  const rows = events.map((event) => ({ room: event.room, event: { ...event, at } }))
  await tx.insert(pendingEvents).values(rows)
}

/** Of each room: what is being written, and what will be after that. */
const flushing = new Map<RoomId, Promise<void>>()
const queued = new Map<RoomId, Promise<void>>()

/**
 * Writes into a room's log what has been noted, also by others, in the order in which it happened. Any
 * number of processes may do so at once, since the log takes each event once; in one of them all who come
 * meanwhile wait for one other turn. Throws `unavailable` when the log does not take it: it stays noted.
 */
export function flushOutbox(room: RoomId, context: Context): Promise<void> {
  const waiting = queued.get(room)
  if (waiting) return waiting
  const turn = flushAfterCurrent(room, context)
  queued.set(room, turn)
  return turn
}

/** Rooms of which something has been noted for so long that nobody seems to be at it any more. */
export async function findStaleRooms(afterMs: number, most: number): Promise<RoomId[]> {
  const rows = await db
    .selectDistinct({ room: pendingEvents.room })
    .from(pendingEvents)
    .where(lt(pendingEvents.at, sql`now() - ${afterMs} * interval '1 millisecond'`))
    .limit(most)
  return rows.map(({ room }) => room)
}

async function flushAfterCurrent(room: RoomId, context: Context): Promise<void> {
  // At least until it stands among those that come next.
  await Promise.resolve(flushing.get(room)).catch(() => {})
  const turn = queued.get(room) as Promise<void>
  queued.delete(room)
  flushing.set(room, turn)
  try {
    await appendPending(room, context)
  } finally {
    if (flushing.get(room) === turn) flushing.delete(room)
  }
}

async function appendPending(room: RoomId, context: Context): Promise<void> {
  const pending = await db
    .select()
    .from(pendingEvents)
    .where(eq(pendingEvents.room, room))
    .orderBy(asc(pendingEvents.place))
  if (pending.length === 0) return
  // No client can have a message go by this id: one with a dot is no client id.
  for (const { id, event } of pending) await appendEvent(event, context, `room.event.${id}`)
  const places = pending.map(({ place }) => place)
  await db.delete(pendingEvents).where(inArray(pendingEvents.place, places))
}
