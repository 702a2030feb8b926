import { and, eq } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { bans } from '#schema/tables/room'
import { findIndexedRoom } from './audience.ts'
import { findMember, readCaller } from './member.ts'

/**
 * Returns the caller if they may read the room: as a member, or as any user of a public room from
 * which they are not banned. Otherwise throws the same `forbidden` error as for a room that does not
 * exist.
 */
export async function requireReader(room: RoomId, context: Context): Promise<UserId> {
  if (await mayRead(room, context)) return readCaller(context)
  throw new FunctionError('forbidden', `Room ${room} does not exist, or you may not read it`)
}

export async function mayRead(room: RoomId, context: Context): Promise<boolean> {
  if (await findMember(room, context)) return true
  const indexed = await findIndexedRoom(room, context)
  if (indexed?.kind !== 'public') return false
  return !indexed.closed || !(await isBanned(room, readCaller(context)))
}

async function isBanned(room: RoomId, userId: UserId): Promise<boolean> {
  const [ban] = await db
    .select({ room: bans.room })
    .from(bans)
    .where(and(eq(bans.room, room), eq(bans.userId, userId)))
  return ban !== undefined
}
