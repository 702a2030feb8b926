import { inviteUser } from '#domain/rooms/invite'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { requireActiveUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { roomInvite } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomInvite,
  async ({ room, userId, role }, context) => {
    const inviter = await requireMember(room, context)
    requireRight(inviter, 'invite')
    if (inviter.kind === 'direct')
      throw new FunctionError(
        'forbidden',
        `Room ${room} is a direct room and cannot have more members`,
      )
    await requireActiveUser(userId)
    await inviteUser({ room, userId, by: inviter.user, role }, context)
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
