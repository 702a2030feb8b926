import { eq, sql } from 'drizzle-orm'
import { FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { users } from '#schema/tables/user'

const displayName = sql<string>`coalesce(${users.chosenName}, ${users.name})`
export const publicUser = { userId: users.id, name: displayName }

/** Throws `forbidden` for a user who has never logged in. */
export async function requireUser(userId: UserId): Promise<void> {
  const [user] = await db.select({ id: users.id }).from(users).where(eq(users.id, userId))
  if (!user) throw new FunctionError('forbidden', `User ${userId} has never logged in`)
}

export const maxUsers = 20

/**
 * SQL expressions to search by. Each has its own index in byte order (see schema/tables/user.ts).
 */
const searchKeys = { id: sql`${users.id}`, name: sql`lower(${displayName})` }
const lastCharacter = '\u{10ffff}'

/** Returns users whose id or name starts with a prefix, ignoring case. */
export function findUsers(by: keyof typeof searchKeys, prefix: string) {
  const key = searchKeys[by]
  const start = sql`lower(${prefix}::text)`
  const end = sql`(${start} || ${lastCharacter}::text)`
  return db
    .select(publicUser)
    .from(users)
    .where(sql`${key} ~>=~ ${start} and ${key} ~<~ ${end}`)
    .orderBy(sql`${key} using ~<~`)
    .limit(maxUsers)
}
