import { sql } from 'drizzle-orm'
import { db } from '#schema/db'

/**
 * Locks the table messages until the returned function is called, so that no event is persisted.
 * PGlite blocks every other query as well.
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
