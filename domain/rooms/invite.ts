import { type Context, FunctionError } from '#runtime'
import { deliverInvitation } from '#schema/messages/member'
import type { Role } from '#schema/messages/room'
import { hasBlocked } from '../users/block.ts'
import { insertInvitation } from './invitation.ts'
import { findMembershipState, type MembershipChange } from './membership.ts'
import { withSharedRoomLocks } from './room-lock.ts'

/**
 * Invites a user to a room that is not direct. Does nothing for a member, for a user who is already
 * invited, and for a user who has blocked the inviter. Throws `forbidden` for a banned user, and for
 * an archived or unknown room.
 */
export async function inviteUser(
  { role, ...change }: MembershipChange & { role: Role },
  context: Context,
): Promise<void> {
  const { room, userId } = change
  // The lock orders this before or after a ban, which deletes the user's invitation.
  const isNew = await withSharedRoomLocks([room], async (tx) => {
    const state = await findMembershipState(change, tx)
    if (!state || state.room.kind === 'direct' || state.isBanned)
      throw new FunctionError('forbidden', `${userId} cannot be invited to room ${room}`)
    if (state.role || (await hasBlocked({ userId, blocked: change.by }, tx))) return false
    return insertInvitation({ ...change, role }, tx)
  })
  if (isNew) context.publish(deliverInvitation, { user: userId, room })
}
