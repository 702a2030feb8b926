import { requireAdministrator } from '#domain/auth/administrator'
import { addMember } from '#domain/rooms/add-member'
import { inviteUser } from '#domain/rooms/invite'
import { changeRole, findMembershipState, type MembershipState } from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { adminRole } from '#schema/messages/member'
import { CHAT_MESSAGES, ROOMS_KV, USER_IDS } from '#schema/streams'

export default defineFunction(
  adminRole,
  async ({ room, userId, role }, context) => {
    const change = { room, userId, by: await requireAdministrator(context) }
    const state = requireAssignable(await findMembershipState(change))
    if (state.role)
      await changeRole(
        { ...change, to: role },
        context,
        (current) => requireAssignable(current).role ?? role,
      )
    else if (userId !== change.by) await inviteUser({ ...change, role }, context)
    else
      await addMember(change, context, (current) => ({
        room: requireAssignable(current).room,
        role,
      }))
    return {}

    function requireAssignable(current: MembershipState | undefined): MembershipState {
      if (!current || current.room.kind === 'direct' || current.isBanned)
        throw new FunctionError('forbidden', `${userId} cannot be given a role in room ${room}`)
      return current
    }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV, USER_IDS], limit: { max: 120, windowMs: 60_000 } },
)
