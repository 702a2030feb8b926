import type * as v from 'valibot'
import { batchByKey } from '#domain/cache/batch-by-key'
import { publishMembers } from '#domain/rooms/add-member'
import { DefaultRoomsEnv, findNewUsers, insertDefaultMembers } from '#domain/rooms/default-rooms'
import type { MembershipKey } from '#domain/rooms/member-index'
import { type Login, storeLogins } from '#domain/users/store'
import { defineFunction, event } from '#runtime'
import type { UserId } from '#schema/ids'
import { userSeen } from '#schema/messages/user'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

const collectMs = 250
/**
 * Maximum number of users in one transaction. It limits the duration of the transaction, because
 * PGlite runs no other statement meanwhile.
 */
const maxBatchSize = 500

export default defineFunction(
  event(userSeen, { queue: 'user-workers' }),
  ({ userId, ...login }, context) => collect(userId, login, context),
  { env: DefaultRoomsEnv, resources: [CHAT_MESSAGES, ROOMS_KV] },
)

type Env = v.InferOutput<typeof DefaultRoomsEnv>

const collect = batchByKey<UserId, Login, Env>(collectMs, async (collected, context) => {
  const logins = [...collected]
  const withdrawn: UserId[] = []
  const joined: MembershipKey[] = []
  for (let start = 0; start < logins.length; start += maxBatchSize) {
    const batch = new Map(logins.slice(start, start + maxBatchSize))
    // New users join the default rooms before they are stored. If the process dies in between, they still count as
    // new at their next login.
    const newUsers = await findNewUsers([...batch.keys()])
    joined.push(...(await insertDefaultMembers(newUsers, context.env.DEFAULT_ROOMS)))
    withdrawn.push(...(await storeLogins(batch)))
  }
  if (withdrawn.length > 0)
    context.log.warn(
      { users: withdrawn },
      'chosen names withdrawn, because they look like names of others',
    )
  await publishMembers(joined, context)
})
