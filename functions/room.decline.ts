import { declineInvitation } from '#domain/rooms/invitation'
import { readCaller } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { deliverInvitation, roomDecline } from '#schema/messages/member'

export default defineFunction(
  roomDecline,
  async ({ room }, context) => {
    const user = readCaller(context)
    if (!(await declineInvitation({ room, userId: user })))
      throw new FunctionError('forbidden', `Room ${room} does not exist, or you are not invited`)
    context.publish(deliverInvitation, { user, room })
    return {}
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
