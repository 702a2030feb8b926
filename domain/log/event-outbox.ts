import { asc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { RoomEventOf } from '#schema/messages/event'
import { pendingEvents } from '#schema/tables/room'
import type { Transaction } from '../rooms/room-lock.ts'
import { logEvent } from './append.ts'

type Happened = RoomEventOf<'room' | 'member'>
// Of each kind on its own: what they have not in common stays.
type Untimed = Happened extends infer Kind
  ? Kind extends Happened
    ? Omit<Kind, 'at'>
    : never
  : never

/*
 * Who belongs to a room is kept in the database, and told by the log: two writes, and a process may die
 * between them, or the log may be full. So the event is written with the change, in its transaction, and
 * from there into the log.
 */

/** Notes what a transaction makes of a room, for `logPending` after it. */
export async function notePending(events: readonly Untimed[], tx: Transaction): Promise<void> {
  const at = new Date().toISOString()
  const rows = events.map((event) => ({ room: event.room, event: { ...event, at } }))
  await tx.insert(pendingEvents).values(rows)
}

/** Of each room: what is being written, and what will be after that. */
const writing = new Map<RoomId, Promise<void>>()
const next = new Map<RoomId, Promise<void>>()

/**
 * Writes into a room's log what has been noted, also by others, in the order in which it happened. Any
 * number of processes may do so at once, since the log takes each event once; in one of them all who come
 * meanwhile wait for one other turn. Throws `unavailable` when the log does not take it: it stays noted.
 */
export function logPending(room: RoomId, context: Context): Promise<void> {
  const waiting = next.get(room)
  if (waiting) return waiting
  const turn = takeTurn(room, context)
  next.set(room, turn)
  return turn
}

/** Rooms of which something has been noted for so long that nobody seems to be at it any more. */
export async function findUnfinished(afterMs: number, most: number): Promise<RoomId[]> {
  const rows = await db
    .selectDistinct({ room: pendingEvents.room })
    .from(pendingEvents)
    .where(lt(pendingEvents.at, sql`now() - ${afterMs} * interval '1 millisecond'`))
    .limit(most)
  return rows.map(({ room }) => room)
}

async function takeTurn(room: RoomId, context: Context): Promise<void> {
  // At least until it stands among those that come next.
  await Promise.resolve(writing.get(room)).catch(() => {})
  const turn = next.get(room) as Promise<void>
  next.delete(room)
  writing.set(room, turn)
  try {
    await writePending(room, context)
  } finally {
    if (writing.get(room) === turn) writing.delete(room)
  }
}

async function writePending(room: RoomId, context: Context): Promise<void> {
  const pending = await db
    .select()
    .from(pendingEvents)
    .where(eq(pendingEvents.room, room))
    .orderBy(asc(pendingEvents.place))
  if (pending.length === 0) return
  // No client can have a message go by this id: one with a dot is no client id.
  for (const { id, event } of pending) await logEvent(event, context, `room.event.${id}`)
  const places = pending.map(({ place }) => place)
  await db.delete(pendingEvents).where(inArray(pendingEvents.place, places))
}
