import { type Context, FunctionError } from '#runtime'
import { deliverInvitation } from '#schema/messages/member'
import type { Role } from '#schema/messages/room'
import { hasBlocked } from '../users/block.ts'
import { insertInvitation } from './invitation.ts'
import { findMembershipState, type MembershipChange } from './membership.ts'
import { withSharedRoomLocks } from './room-lock.ts'

/**
 * Invites a user to a room, and notifies the user of a new invitation. Does nothing for a member,
 * for a user who has blocked the inviter, and for a user who has an invitation and has not declined
 * it. Throws `forbidden` for a banned user, and for a direct, archived or unknown room.
 */
export async function inviteUser(
  { role, ...change }: MembershipChange & { role: Role },
  context: Context,
): Promise<void> {
  const { room, userId } = change
  // Because of the lock, a ban at the same time commits before or after this transaction. In the
  // first case, this transaction rejects the user. In the second case, the ban deletes the
  // invitation.
  const isNew = await withSharedRoomLocks([room], async (tx) => {
    const state = await findMembershipState(change, tx)
    if (!state || state.room.kind === 'direct' || state.isBanned)
      throw new FunctionError('forbidden', `${userId} cannot be invited to room ${room}`)
    if (state.role || (await hasBlocked({ userId, blocked: change.by }, tx))) return false
    return insertInvitation({ ...change, role }, tx)
  })
  if (isNew) context.publish(deliverInvitation, { user: userId, room })
}
