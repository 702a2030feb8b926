import { type Context, FunctionError } from '#runtime'
import type { UserId } from '#schema/ids'
import { readCaller } from '../rooms/member.ts'
import { isAssignedUserId } from './user-id.ts'

/**
 * Returns the user id of the administrator who calls, so that the change can be logged under this
 * id. If the call comes from a client, nats-server has verified the id and the role. An operator
 * can call under any id, so an id that no user has is rejected with `forbidden`.
 */
export async function requireAdministrator(context: Context): Promise<UserId> {
  const caller = readCaller(context)
  if (await isAssignedUserId(caller, context)) return caller
  throw new FunctionError(
    'forbidden',
    `Administrator ${caller} has never logged in: call as a user who exists`,
  )
}
