import { sql } from 'drizzle-orm'
import { db } from '#schema/db'

/**
 * Locks the messages table against writes, so that events stay unpersisted. Returns a function
 * that releases the lock. PGlite blocks every other query as well until the lock is released.
 */
export async function lockMessages(): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const transaction = db.transaction(async (tx) => {
    await tx.execute(sql`lock table messages in exclusive mode`)
    locked.resolve()
    await released.promise
  })
  await Promise.race([locked.promise, transaction])
  return async () => {
    released.resolve()
    await transaction
  }
}
