import { requireMember } from '#domain/rooms/member'
import { changeRole } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { roomRole } from '#schema/messages/room'
import { mayRuleOver } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Says what a member may do in a room: nothing that the caller may not, and to nobody above them. */
export default defineFunction(
  roomRole,
  async ({ room: id, userId, role: to }, context) => {
    const member = await requireMember(id, context)
    requireRight(member, 'appoint')
    await changeRole({ room: id, userId, by: member.user, to }, context, (standing) => {
      if (!standing?.role)
        throw new FunctionError('forbidden', `${userId} does not belong to a room ${id}`)
      const { room, role: from } = standing
      const mayTake = userId === member.user || mayRuleOver(member.role, from)
      if (room.kind === 'direct' || !mayTake || !mayRuleOver(member.role, to))
        throw new FunctionError(
          'forbidden',
          `As a ${member.role} of this room you may not make a ${to} of ${userId}, a ${from}`,
        )
      return from
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
