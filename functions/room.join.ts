import { readCaller } from '#domain/rooms/member'
import { addMember } from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { roomJoin } from '#schema/messages/member'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Adds the caller to a public room. If the caller is already a member, restores their entry in the
 * member index.
 */
export default defineFunction(
  roomJoin,
  async ({ room: id }, context) => {
    const userId = readCaller(context)
    const room = await addMember({ room: id, userId, by: userId }, context, (state) => {
      const mayJoin = state?.role ?? (state?.room.kind === 'public' && !state.isBanned)
      if (!state || !mayJoin)
        throw new FunctionError('forbidden', `Room ${id} does not exist, or you may not join it`)
      return { room: state.room, role: state.role ?? 'member' }
    })
    return { room }
  },
  {
    queue: 'room-workers',
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)
