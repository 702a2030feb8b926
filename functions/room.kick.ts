import { requireMember } from '#domain/rooms/member'
import { removeMember } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { roomKick } from '#schema/messages/room'
import { mayRuleOver } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Removes somebody from a room and keeps them out until they are invited. From then on the room is
 * told member by member, since whoever was kicked may still listen where a public room is told.
 */
export default defineFunction(
  roomKick,
  async ({ room: id, userId }, context) => {
    const member = await requireMember(id, context)
    requireRight(member, 'kick')
    if (userId === member.user)
      throw new FunctionError('forbidden', `You cannot kick yourself from ${id}: leave it`)
    await removeMember({ room: id, userId, by: member.user }, context, (standing) => {
      if (!standing || standing.room.kind === 'direct')
        throw new FunctionError('forbidden', `Nobody can be kicked from ${id}`)
      const { role, isBanned } = standing
      if (role && !mayRuleOver(member.role, role))
        throw new FunctionError('forbidden', `As a ${member.role} you may not kick ${userId}`)
      if (!role && !isBanned)
        throw new FunctionError('forbidden', `${userId} does not belong to a room ${id}`)
      return role !== undefined
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
