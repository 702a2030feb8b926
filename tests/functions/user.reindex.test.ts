import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { DEACTIVATED_USERS } from '#schema/streams'
import { deactivations } from '#schema/tables/user'
import { newUserId, useApp } from '../support/app.ts'

const app = useApp()

/** The timeout is long enough for several runs of `user.reindex`, which runs every 30 seconds. */
const polling = { timeout: 120_000 }

describe('user.reindex', () => {
  it('adds missing deactivated users to the bucket DEACTIVATED_USERS, and deletes active users from it', async () => {
    const [missing, surplus] = [newUserId(), newUserId()]
    const bucket = await app.openBucket(DEACTIVATED_USERS)
    const isIndexed = async (user: string) => (await bucket.get(user))?.operation === 'PUT'
    await bucket.put(surplus, JSON.stringify({ at: new Date().toISOString() }))
    await db.insert(deactivations).values({ userId: missing })

    await expect
      .poll(async () => [await isIndexed(missing), await isIndexed(surplus)], polling)
      .toEqual([true, false])
  }, 130_000)
})
