import { defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { roomJoin } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { members } from '#schema/tables/room'
import { enterIndex } from './_index.ts'
import { readCaller } from './_member.ts'
import { findStanding, logMember, refreshRoom } from './_rooms.ts'

/**
 * Makes the caller a member of a public room, or confirms that they are one of any other. What went
 * missing from the live index is put back, and the room is told of whoever is new there.
 */
export default defineFunction(
  roomJoin,
  async (input, context) => {
    const userId = readCaller(context)
    const standing = await findStanding(input.room, userId)
    const mayEnter = standing?.role ?? (standing?.room.kind === 'public' && !standing.isBanned)
    if (!standing || !mayEnter)
      throw new FunctionError('forbidden', `There is no room ${input.room} that you may join`)

    const { room, role = 'member' } = standing
    const added = standing.role
      ? []
      : await db.insert(members).values({ room: room.id, userId }).onConflictDoNothing().returning()
    if (!(await context.kv(ROOMS_KV).get(room.id))) await refreshRoom(room, context)
    await enterIndex({ room: room.id, kind: room.kind, userId, role }, context)
    if (added.length > 0)
      await logMember({ room: room.id, action: 'join', userId, role, by: userId }, context)
    return { room }
  },
  {
    queue: 'room-workers',
    uses: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
