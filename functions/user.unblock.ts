import { applyBlocks } from '#domain/rooms/direct-block'
import { directRoomOf } from '#domain/rooms/direct-room'
import { readCaller } from '#domain/rooms/member'
import { deleteBlock } from '#domain/users/block'
import { defineFunction } from '#runtime'
import { userUnblock } from '#schema/messages/block'
import { deliverInvitation } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  userUnblock,
  async ({ userId: blocked }, context) => {
    const user = readCaller(context)
    await deleteBlock({ userId: user, blocked })
    await applyBlocks(user, blocked, context)
    context.publish(deliverInvitation, { user, room: directRoomOf(user, blocked) })
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 60, windowMs: 60_000 } },
)
