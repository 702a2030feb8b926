import { requireAdministrator } from '#domain/auth/administrator'
import { setDeactivated } from '#domain/users/deactivation'
import { requireUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { adminReactivate } from '#schema/messages/deactivation'
import { DEACTIVATED_USERS, USER_IDS } from '#schema/streams'

export default defineFunction(
  adminReactivate,
  async ({ userId }, context) => {
    const by = await requireAdministrator(context)
    await requireUser(userId)
    await setDeactivated(userId, false, context)
    context.log.info({ userId, by }, 'user reactivated')
    return {}
  },
  { resources: [DEACTIVATED_USERS, USER_IDS], limit: { max: 60, windowMs: 60_000 } },
)
