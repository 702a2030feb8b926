import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { db } from '#schema/db'

const keepAliveMs = 500

/**
 * Locks the table messages, so that no event is persisted until the returned function is called.
 * `access exclusive` also blocks reads. In PGlite, either mode blocks all other queries.
 */
export async function lockMessages(
  mode: 'exclusive' | 'access exclusive' = 'exclusive',
): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let isReleased = false
  const transaction = db.transaction(async (tx) => {
    await tx.execute(sql.raw(`lock table messages in ${mode} mode`))
    locked.resolve()
    // PGlite would end the transaction if it were idle.
    while (!isReleased) {
      await Promise.race([released.promise, delay(keepAliveMs)])
      await tx.execute(sql`select 1`)
    }
  })
  await Promise.race([locked.promise, transaction])
  return async () => {
    isReleased = true
    released.resolve()
    await transaction
  }
}
