import { requireMember } from '#domain/rooms/member'
import { changeRole } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction, FunctionError } from '#runtime'
import { roomRole } from '#schema/messages/member'
import { mayManage } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * A caller who is not an owner must rank above the new role and, unless they change their own role,
 * also above the old role.
 */
export default defineFunction(
  roomRole,
  async ({ room: id, userId, role: to }, context) => {
    const member = await requireMember(id, context)
    requireRight(member, 'appoint')
    await changeRole({ room: id, userId, by: member.user, to }, context, (state) => {
      if (!state?.role)
        throw new FunctionError('forbidden', `${userId} is not a member of room ${id}`)
      const { room, role: from } = state
      const mayChange = userId === member.user || mayManage(member.role, from)
      if (room.kind === 'direct' || !mayChange || !mayManage(member.role, to))
        throw new FunctionError(
          'forbidden',
          `As ${member.role} of room ${id} you may not change ${userId} from ${from} to ${to}`,
        )
      return from
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
