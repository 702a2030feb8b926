import { and, eq } from 'drizzle-orm'
import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomChanged, roomJoin } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { members, rooms } from '#schema/tables/room'
import { readCaller } from './_member.ts'

/**
 * Makes the caller a member of a public room, or confirms that they are one of a private room. What
 * went missing from the live index is put back, and the room is told of whoever is new there.
 */
export default defineFunction(
  roomJoin,
  async (input, context) => {
    const userId = readCaller(context)
    const mine = and(eq(members.room, rooms.id), eq(members.userId, userId))
    const [found] = await db
      .select({ room: rooms, member: members.userId })
      .from(rooms)
      .leftJoin(members, mine)
      .where(eq(rooms.id, input.room))
    if (!found || (found.room.kind === 'private' && !found.member))
      throw new FunctionError('forbidden', `There is no room ${input.room} that you may join`)

    const { room, member } = found
    if (!member) await db.insert(members).values({ room: room.id, userId }).onConflictDoNothing()
    const isNew = await context.kv(ROOMS_KV).create(`${room.id}.${userId}`, {
      kind: room.kind,
      role: 'member',
    })
    if (isNew) context.publish(roomChanged, { room: room.id, action: 'join', userId })
    return { room }
  },
  { queue: 'room-workers', uses: [ROOMS_KV] },
)
