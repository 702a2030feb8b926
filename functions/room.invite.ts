import { requireMember } from '#domain/rooms/member'
import { addMember } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { roomInvite } from '#schema/messages/room'
import { hasRight } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Makes somebody a member of a room, also whoever was kicked. Who is one already stays what they are. */
export default defineFunction(
  roomInvite,
  async ({ room: id, userId, role }, context) => {
    const inviter = await requireMember(id, context)
    requireRight(inviter, 'invite')
    if (inviter.kind === 'direct')
      throw new FunctionError('forbidden', 'Nobody can be invited into a room of two')
    await requireUser(userId)
    await addMember({ room: id, userId, by: inviter.user }, context, (standing) => {
      if (!standing) throw new FunctionError('forbidden', `You do not belong to a room ${id}`)
      if (standing.isBanned && !hasRight(inviter, 'kick'))
        throw new FunctionError(
          'forbidden',
          `${userId} was kicked: a moderator may invite them again`,
        )
      return { room: standing.room, role: standing.role ?? role }
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
