import { batchByKey } from '#domain/cache/batch-by-key'
import { type Login, storeLogins } from '#domain/users/store'
import { defineFunction, event } from '#runtime'
import type { UserId } from '#schema/ids'
import { userSeen } from '#schema/messages/user'

/** Logins of this interval are persisted together, in transactions of at most `maxBatchSize` logins. */
const collectMs = 250
/** PGlite runs no other statement during a transaction, so that it must be short. */
const maxBatchSize = 500

/** Adds a user to the table users, or updates their data from the identity provider. */
export default defineFunction(
  event(userSeen, { queue: 'user-workers' }),
  ({ userId, ...login }, context) => collect(userId, login, context),
)

const collect = batchByKey<UserId, Login>(collectMs, async (collected, { log }) => {
  const logins = [...collected]
  const withdrawn: UserId[] = []
  for (let start = 0; start < logins.length; start += maxBatchSize)
    withdrawn.push(...(await storeLogins(new Map(logins.slice(start, start + maxBatchSize)))))
  if (withdrawn.length > 0)
    log.warn({ users: withdrawn }, 'chosen names withdrawn, because they look like names of others')
})
