import { requireMember } from '#domain/rooms/member'
import { removeMember } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { roomKick } from '#schema/messages/member'
import { mayManage } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Bans the removed member, who may still subscribe to the subject of a public room. Later events
 * are therefore published to each member separately.
 */
export default defineFunction(
  roomKick,
  async ({ room: id, userId }, context) => {
    const member = await requireMember(id, context)
    requireRight(member, 'kick')
    if (userId === member.user)
      throw new FunctionError(
        'forbidden',
        `You cannot remove yourself from room ${id}: call room.leave`,
      )
    await removeMember({ room: id, userId, by: member.user }, context, (state) => {
      if (!state || state.room.kind === 'direct')
        throw new FunctionError('forbidden', `Members cannot be removed from room ${id}`)
      const { role, isBanned } = state
      if (role && !mayManage(member.role, role))
        throw new FunctionError(
          'forbidden',
          `As ${member.role} of room ${id} you may not remove the ${role} ${userId}`,
        )
      if (!role && !isBanned)
        throw new FunctionError('forbidden', `${userId} is not a member of room ${id}`)
      return role !== undefined
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
