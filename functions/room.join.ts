import { readCaller } from '#domain/rooms/member'
import { addMember } from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { roomJoin } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Makes the caller a member of a public room, or confirms that they are one of any other. What went
 * missing from the live index is put back, and the room is told of whoever is new there.
 */
export default defineFunction(
  roomJoin,
  async ({ room: id }, context) => {
    const userId = readCaller(context)
    const room = await addMember({ room: id, userId, by: userId }, context, (standing) => {
      const mayEnter = standing?.role ?? (standing?.room.kind === 'public' && !standing.isBanned)
      if (!standing || !mayEnter)
        throw new FunctionError('forbidden', `There is no room ${id} that you may join`)
      return { room: standing.room, role: standing.role ?? 'member' }
    })
    return { room }
  },
  {
    queue: 'room-workers',
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
