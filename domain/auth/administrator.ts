import { type Context, FunctionError } from '#runtime'
import type { UserId } from '#schema/ids'
import { readCaller } from '../rooms/member.ts'
import { isAssignedUserId } from './user-id.ts'

/**
 * Returns the caller, under whose id the change is logged. The server has verified it and its role, except for an
 * operator, who calls under any id: throws `forbidden` for one that no user has.
 */
export async function requireAdministrator(context: Context): Promise<UserId> {
  const caller = readCaller(context)
  if (await isAssignedUserId(caller, context)) return caller
  throw new FunctionError(
    'forbidden',
    `Administrator ${caller} has never logged in: call as a user who exists`,
  )
}
