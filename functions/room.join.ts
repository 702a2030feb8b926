import { addMember } from '#domain/rooms/add-member'
import { readCaller } from '#domain/rooms/member'
import type { MembershipState } from '#domain/rooms/membership'
import { acceptRequest } from '#domain/rooms/message-request'
import { defineFunction, FunctionError } from '#runtime'
import { roomJoin } from '#schema/messages/member'
import type { Role } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * If the caller is already a member, restores their entry in the member index, and accepts a message
 * request.
 */
export default defineFunction(
  roomJoin,
  async ({ room: id }, context) => {
    const userId = readCaller(context)
    const room = await addMember({ room: id, userId, by: userId }, context, (state) => {
      const role = state && joiningRole(state)
      if (!role)
        throw new FunctionError('forbidden', `Room ${id} does not exist, or you may not join it`)
      return { room: state.room, role }
    })
    if (room.kind === 'direct') await acceptRequest({ room: id, userId }, context)
    return { room }
  },
  {
    queue: 'room-workers',
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 120, windowMs: 60_000 },
  },
)

function joiningRole({ room, role, invitedAs, isBanned }: MembershipState): Role | undefined {
  if (role) return role
  if (isBanned) return undefined
  return invitedAs ?? (room.kind === 'public' ? 'member' : undefined)
}
