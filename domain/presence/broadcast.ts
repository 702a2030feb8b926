import { sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverPresence, type PresenceChange, roomPresence } from '#schema/messages/presence'
import { ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { findAudience } from '../rooms/audience.ts'
import { findPresent } from './status.ts'

/** How long changes are collected before they are told together, in milliseconds. */
export const collectMs = 200
/** So many in one message, which must not become too large for the server. */
const maxChanges = 1_000
/** Each of them may have to look up who its members are. */
const roomsAtOnce = 64

/** Tells rooms who is seen differently in them: each room once. */
export async function broadcastPresence(
  changes: readonly { room: RoomId; change: PresenceChange }[],
  context: Context,
): Promise<void> {
  const rooms = [...Map.groupBy(changes, ({ room }) => room)]
  const tell = ([room, inRoom]: (typeof rooms)[number]) =>
    broadcastToRoom(
      room,
      inRoom.map(({ change }) => change),
      context,
    )
  for (let at = 0; at < rooms.length; at += roomsAtOnce)
    await Promise.all(rooms.slice(at, at + roomsAtOnce).map(tell))
}

async function broadcastToRoom(room: RoomId, all: readonly PresenceChange[], context: Context) {
  const audience = await findAudience(room, context)
  const present =
    audience === 'everyone' ? [] : (await findPresent(audience, context)).map(([user]) => user)
  for (let at = 0; at < all.length; at += maxChanges) {
    const changes = all.slice(at, at + maxChanges)
    if (audience === 'everyone') context.publish(roomPresence, { room, changes })
    else context.publishEach(deliverPresence, 'user', present, { room, changes })
  }
}

/** Which of these people are in which rooms: in one statement, however many they are. */
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
    context.log.warn({ err: error }, 'the database is away: the live index says who is where')
    return (await Promise.all(users.map((user) => findRoomsInIndex(user, context)))).flat()
  }
}

async function findRoomsInIndex(userId: UserId, context: Context) {
  const entries = await context.kv(ROOMS_KV).list(`*.${userId}`)
  return entries.map(({ key }) => ({ room: key.slice(0, -userId.length - 1) as RoomId, userId }))
}
