import { eq } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { DEACTIVATED_USERS } from '#schema/streams'
import { deactivations, users } from '#schema/tables/user'
import { withTimeLimit } from '../cache/time-limit.ts'
import type { Transaction } from '../rooms/room-lock.ts'

/** A login waits for JetStream at most this long. */
const maxWaitMs = 1_000
const refreshMs = 60_000

let lastKnown = new Set<string>()
let nextRefreshAt = 0

/** While JetStream is unavailable, returns the last known state. */
export async function isDeactivatedUser(user: string, context: Context): Promise<boolean> {
  refreshLastKnown(context)
  const found = await withinMaxWait(context.kv(DEACTIVATED_USERS).get(user))
  if (!found.ok) {
    context.log.warn({ err: found.error, user }, 'deactivated users unavailable, using last known')
    return lastKnown.has(user)
  }
  if (found.value) lastKnown.add(user)
  else lastKnown.delete(user)
  return found.value !== undefined
}

function refreshLastKnown(context: Context): void {
  if (performance.now() < nextRefreshAt) return
  nextRefreshAt = performance.now() + refreshMs
  context
    .kv(DEACTIVATED_USERS)
    .list('>')
    .then(
      (entries) => {
        lastKnown = new Set(entries.map(({ key }) => key))
      },
      () => {
        nextRefreshAt = 0
      },
    )
}

async function withinMaxWait<T>(
  reading: Promise<T>,
): Promise<{ ok: true; value: T } | { ok: false; error: unknown }> {
  try {
    return { ok: true, value: await withTimeLimit(maxWaitMs, reading) }
  } catch (error) {
    return { ok: false, error }
  }
}

/**
 * Deactivates or reactivates a user. Does nothing for a user who already has that state. The caller must check
 * that the user exists.
 */
export async function setDeactivated(
  userId: UserId,
  isDeactivated: boolean,
  context: Context,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockUser(userId, tx)
    if (isDeactivated) await tx.insert(deactivations).values({ userId }).onConflictDoNothing()
    else await tx.delete(deactivations).where(eq(deactivations.userId, userId))
    // The entry is written before the commit. If the process died between the commit and a later
    // write, administrators would see the user as deactivated, although the user can log in.
    await writeEntry(userId, isDeactivated, context)
  })
}

export async function reconcileDeactivated(context: Context): Promise<void> {
  const entries = await context.kv(DEACTIVATED_USERS).list('>')
  const indexed = new Set(entries.map(({ key }) => key as UserId))
  const rows = await db.select({ userId: deactivations.userId }).from(deactivations)
  const persisted = new Set(rows.map(({ userId }) => userId))
  const wrong = [...indexed.symmetricDifference(persisted)]
  for (const userId of wrong)
    await db.transaction(async (tx) => {
      await lockUser(userId, tx)
      const found = await tx.select().from(deactivations).where(eq(deactivations.userId, userId))
      await writeEntry(userId, found.length > 0, context)
    })
  if (wrong.length > 0) context.log.info({ users: wrong.length }, 'deactivated users corrected')
}

async function lockUser(userId: UserId, tx: Transaction): Promise<void> {
  await tx.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('update')
}

async function writeEntry(userId: UserId, isDeactivated: boolean, context: Context): Promise<void> {
  const bucket = context.kv(DEACTIVATED_USERS)
  if (isDeactivated) await bucket.put(userId, { at: new Date().toISOString() })
  else await bucket.delete(userId)
}
