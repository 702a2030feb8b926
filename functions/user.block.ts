import { applyBlocks } from '#domain/rooms/direct-block'
import { directRoomOf } from '#domain/rooms/direct-room'
import { deletePendingInvitations } from '#domain/rooms/invitation'
import { readCaller } from '#domain/rooms/member'
import { insertBlock } from '#domain/users/block'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { userBlock } from '#schema/messages/block'
import { deliverInvitation } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  userBlock,
  async ({ userId: blocked }, context) => {
    const user = readCaller(context)
    if (blocked === user) throw new FunctionError('forbidden', 'You cannot block yourself')
    await requireUser(blocked)
    await insertBlock({ userId: user, blocked })
    const revoked = await deletePendingInvitations({ userId: user, by: blocked })
    await applyBlocks(user, blocked, context)
    for (const room of [...revoked, directRoomOf(user, blocked)])
      context.publish(deliverInvitation, { user, room })
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)
