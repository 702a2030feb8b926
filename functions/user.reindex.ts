import { reconcileDeactivated } from '#domain/users/deactivation'
import { defineFunction, schedule } from '#runtime'
import { DEACTIVATED_USERS } from '#schema/streams'

/**
 * Restores the bucket DEACTIVATED_USERS from the database if it is lost, or if a process ended between its
 * writes to the bucket and to the database.
 */
export default defineFunction(
  schedule({ everyMs: 30_000 }),
  (_tick, context) => reconcileDeactivated(context),
  { resources: [DEACTIVATED_USERS] },
)
