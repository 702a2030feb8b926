import { requireAdministrator } from '#domain/auth/administrator'
import { closeConnections } from '#domain/auth/revocation'
import { setDeactivated } from '#domain/users/deactivation'
import { requireUser } from '#domain/users/directory'
import { defineFunction, FunctionError } from '#runtime'
import { adminDeactivate } from '#schema/messages/deactivation'
import { DEACTIVATED_USERS, USER_IDS } from '#schema/streams'

/** If the user logs in during this call, `connection.opened` closes the new connection. */
export default defineFunction(
  adminDeactivate,
  async ({ userId }, context) => {
    const by = await requireAdministrator(context)
    if (userId === by) throw new FunctionError('forbidden', 'You cannot deactivate yourself')
    await requireUser(userId)
    await setDeactivated(userId, true, context)
    context.log.info({ userId, by }, 'user deactivated')
    await closeConnections(userId, context)
    return {}
  },
  { resources: [DEACTIVATED_USERS, USER_IDS], limit: { max: 60, windowMs: 60_000 } },
)
