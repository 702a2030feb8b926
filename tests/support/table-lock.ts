import { sql } from 'drizzle-orm'
import { db } from '#schema/db'

/**
 * Keeps everybody from writing messages into the database until released, so that the log alone has
 * what is said. PGlite does nothing else either meanwhile.
 */
export async function lockMessages(): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const holding = db.transaction(async (tx) => {
    await tx.execute(sql`lock table messages in exclusive mode`)
    held.resolve()
    await released.promise
  })
  await Promise.race([held.promise, holding])
  return async () => {
    released.resolve()
    await holding
  }
}
