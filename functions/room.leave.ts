import { readCaller } from '#domain/rooms/member'
import { removeMember } from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { roomLeave } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Ends the membership of the caller. Leaving what one does not belong to is refused, room or not. */
export default defineFunction(
  roomLeave,
  async ({ room }, context) => {
    const userId = readCaller(context)
    await removeMember({ room, userId, by: userId }, context, (standing) => {
      if (!standing?.role)
        throw new FunctionError('forbidden', `You do not belong to a room ${room}`)
      if (standing.room.kind === 'direct')
        throw new FunctionError('forbidden', 'A room of two cannot be left')
      return true
    })
    return {}
  },
  {
    queue: 'room-workers',
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
