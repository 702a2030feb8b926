import * as v from 'valibot'
import { readUserId } from '#domain/auth/user-id'
import { defineFunction, FunctionError } from '#runtime'
import { UserId } from '#schema/ids'
import { usersId } from '#schema/messages/user'
import { USER_IDS } from '#schema/streams'

export default defineFunction(
  usersId,
  async (_, context) => {
    const { caller } = context
    if (v.is(UserId, caller)) return { userId: caller }
    const userId = await readUserId(caller, context)
    if (!userId) throw new FunctionError('not_found', `${caller} has never logged in`)
    return { userId }
  },
  { resources: [USER_IDS], limit: { max: 60, windowMs: 60_000 } },
)
