import { sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverPresence, type PresenceChange, roomPresence } from '#schema/messages/presence'
import { ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { findAudience } from '../rooms/audience.ts'
import { publishEncrypted } from '../rooms/room-key.ts'
import { findPresent } from './status.ts'

export const collectMs = 200
/** Maximum number of changes in one NATS message. It limits the size of the message. */
const maxChanges = 1_000
const roomBatchSize = 64

export async function broadcastPresence(
  changes: readonly { room: RoomId; change: PresenceChange }[],
  context: Context,
): Promise<void> {
  const rooms = [...Map.groupBy(changes, ({ room }) => room)]
  for (let start = 0; start < rooms.length; start += roomBatchSize)
    await Promise.all(
      rooms.slice(start, start + roomBatchSize).map(([room, inRoom]) => {
        const all = inRoom.map(({ change }) => change)
        return broadcastToRoom(room, all, context)
      }),
    )
}

async function broadcastToRoom(room: RoomId, all: readonly PresenceChange[], context: Context) {
  const audience = await findAudience(room, context)
  const users = audience === 'everyone' || 'key' in audience ? [] : audience.users
  const present = (await findPresent(users, context)).map(([user]) => user)
  for (let start = 0; start < all.length; start += maxChanges) {
    const presence = { room, changes: all.slice(start, start + maxChanges) }
    if (audience === 'everyone') context.publish(roomPresence, presence)
    else if ('key' in audience) publishEncrypted(audience.key, { presence }, context)
    else context.publishEach(deliverPresence, 'user', present, presence)
  }
}

/**
 * Returns the rooms of users from the database. Reads the member index ROOMS_KV only if the database is
 * unavailable, because the index needs a request for each user.
 */
export async function findRooms(
  users: readonly UserId[],
  context: Context,
): Promise<{ room: RoomId; userId: UserId }[]> {
  try {
    return await db
      .select({ room: members.room, userId: members.userId })
      .from(members)
      .where(sql`${members.userId} = any(${sql.param(users)}::text[])`)
  } catch (error) {
    context.log.warn({ err: error }, 'database unavailable, reading rooms from the member index')
    return (await Promise.all(users.map((user) => findRoomsInIndex(user, context)))).flat()
  }
}

async function findRoomsInIndex(userId: UserId, context: Context) {
  const entries = await context.kv(ROOMS_KV).list(`*.${userId}`)
  return entries.map(({ key }) => ({ room: key.slice(0, -userId.length - 1) as RoomId, userId }))
}
