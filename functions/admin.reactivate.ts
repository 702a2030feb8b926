import { readCaller } from '#domain/rooms/member'
import { setDeactivated } from '#domain/users/deactivation'
import { requireUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { adminReactivate } from '#schema/messages/deactivation'
import { DEACTIVATED_USERS } from '#schema/streams'

export default defineFunction(
  adminReactivate,
  async ({ userId }, context) => {
    await requireUser(userId)
    await setDeactivated(userId, false, context)
    context.log.info({ userId, by: readCaller(context) }, 'user reactivated')
    return {}
  },
  { resources: [DEACTIVATED_USERS], limit: { max: 60, windowMs: 60_000 } },
)
