import { reconcileDeactivated } from '#domain/users/deactivation'
import { defineFunction, schedule } from '#runtime'
import { DEACTIVATED_USERS } from '#schema/streams'

/** Restores the bucket DEACTIVATED_USERS if it is lost, or if a process ended between two writes. */
export default defineFunction(
  schedule({ everyMs: 30_000 }),
  (_tick, context) => reconcileDeactivated(context),
  { resources: [DEACTIVATED_USERS] },
)
