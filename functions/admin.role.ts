import { readCaller } from '#domain/rooms/member'
import {
  addMember,
  changeRole,
  findMembershipState,
  type MembershipState,
} from '#domain/rooms/membership'
import { defineFunction, FunctionError } from '#runtime'
import { adminRole } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/** Gives anybody a role in any room that is not a room of two: for rooms that nobody owns. */
export default defineFunction(
  adminRole,
  async ({ room, userId, role }, context) => {
    const deed = { room, userId, by: readCaller(context) }
    const found = await findMembershipState(deed)
    if (found?.role)
      await changeRole({ ...deed, to: role }, context, (now) => require(now).role ?? role)
    else await addMember(deed, context, (now) => ({ room: require(now).room, role }))
    return {}

    function require(standing: MembershipState | undefined): MembershipState {
      if (!standing || standing.room.kind === 'direct' || standing.isBanned)
        throw new FunctionError('forbidden', `${userId} cannot be given a role in ${room}`)
      return standing
    }
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
