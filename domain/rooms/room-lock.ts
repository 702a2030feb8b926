import { inArray } from 'drizzle-orm'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { rooms } from '#schema/tables/room'

export type Transaction = Parameters<Parameters<typeof db.transaction>[0]>[0]

export type Reader = Pick<Transaction, 'select'>

/*
 * Memberships and their entries in the member index ROOMS_KV change only under a lock of the room's
 * row. Calls that add members take a shared lock. Calls that remove members or change roles take an
 * exclusive lock. Without these locks, a call that read a membership before its removal could write
 * it to the member index again.
 */

export function withRoomLock<T>(id: RoomId, work: (tx: Transaction) => Promise<T>): Promise<T> {
  // Uses FOR NO KEY UPDATE, because FOR UPDATE would block inserts of rows that reference the room.
  return lockRooms([id], 'no key update', work)
}

export function withSharedRoomLocks<T>(
  ids: readonly RoomId[],
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return lockRooms(ids, 'share', work)
}

function lockRooms<T>(
  ids: readonly RoomId[],
  strength: 'share' | 'no key update',
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    // Locks the rooms in the order of their ids, so that two transactions cannot deadlock.
    const locked = tx.select({ id: rooms.id }).from(rooms).where(inArray(rooms.id, ids))
    await locked.orderBy(rooms.id).for(strength)
    return work(tx)
  })
}
