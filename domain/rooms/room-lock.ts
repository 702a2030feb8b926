import { inArray } from 'drizzle-orm'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { rooms } from '#schema/tables/room'

/** Within a transaction. */
export type Transaction = Parameters<Parameters<typeof db.transaction>[0]>[0]

/** The database, within a transaction or without. */
export type Reader = Pick<Transaction, 'select'>

/*
 * Who is in a room, and what the live index says of it, changes only while the room's row is held.
 * Whoever lets somebody in shares it with others who do; whoever removes or appoints somebody has it
 * alone. So nobody writes back who has been removed since they looked, and of two owners who remove
 * each other the second finds the first one gone.
 */

/** Does something to a room that must not happen while anybody comes in or goes. */
export function withRoomLock<T>(id: RoomId, work: (tx: Transaction) => Promise<T>): Promise<T> {
  // Not the key: a row that refers to the room may be added meanwhile.
  return lockRooms([id], 'no key update', work)
}

/** Does something to rooms that must not happen while anybody goes. */
export function withSharedRoomLocks<T>(
  ids: readonly RoomId[],
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return lockRooms(ids, 'share', work)
}

function lockRooms<T>(
  ids: readonly RoomId[],
  how: 'share' | 'no key update',
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    // In one order, so that no two wait for each other.
    const held = tx.select({ id: rooms.id }).from(rooms).where(inArray(rooms.id, ids))
    await held.orderBy(rooms.id).for(how)
    return work(tx)
  })
}
