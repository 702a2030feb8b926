import { requireMember } from '#domain/rooms/member'
import { addMember } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { roomInvite } from '#schema/messages/member'
import { hasRight } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Keeps the role of an existing member. */
export default defineFunction(
  roomInvite,
  async ({ room: id, userId, role }, context) => {
    const inviter = await requireMember(id, context)
    requireRight(inviter, 'invite')
    if (inviter.kind === 'direct')
      throw new FunctionError(
        'forbidden',
        `Room ${id} is a direct room and cannot have more members`,
      )
    await requireUser(userId)
    await addMember({ room: id, userId, by: inviter.user }, context, (state) => {
      if (!state) throw new FunctionError('forbidden', `You are not a member of room ${id}`)
      if (state.isBanned && !hasRight(inviter, 'kick'))
        throw new FunctionError(
          'forbidden',
          `${userId} is banned from room ${id}: only a moderator may invite them again`,
        )
      return { room: state.room, role: state.role ?? role }
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
