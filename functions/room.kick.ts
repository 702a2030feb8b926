import { banUser } from '#domain/rooms/bans'
import { requireMember } from '#domain/rooms/member'
import { findMembershipState } from '#domain/rooms/membership'
import { requireRight } from '#domain/rooms/roles'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { roomKick } from '#schema/messages/member'
import { mayManage } from '#schema/roles'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * A banned user may still subscribe to the subject of a public room. Later events are therefore published
 * to each member separately or, in a large room, encrypted.
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
    const change = { room: id, userId, by: member.user }
    const { role, isBanned } = (await findMembershipState(change)) ?? {}
    if (!role && !isBanned) await requireUser(userId)
    await banUser(change, context, (state) => {
      if (!state || state.room.kind === 'direct')
        throw new FunctionError('forbidden', `Users cannot be banned from room ${id}`)
      if (state.role && !mayManage(member.role, state.role))
        throw new FunctionError(
          'forbidden',
          `As ${member.role} of room ${id} you may not remove the ${state.role} ${userId}`,
        )
    })
    return {}
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
