import { readCaller } from '#domain/rooms/member'
import { removeMember } from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { roomLeave } from '#schema/messages/member'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomLeave,
  async ({ room }, context) => {
    const userId = readCaller(context)
    await removeMember({ room, userId }, context, (state) => {
      if (!state?.role) throw new FunctionError('forbidden', `You are not a member of room ${room}`)
      if (state.room.kind === 'direct')
        throw new FunctionError('forbidden', `Room ${room} is a direct room and cannot be left`)
    })
    return {}
  },
  {
    queue: 'room-workers',
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
