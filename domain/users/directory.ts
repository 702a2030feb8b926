import { eq, sql } from 'drizzle-orm'
import { FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { users } from '#schema/tables/user'

/** What somebody is called: what they chose, or else what the identity provider says. */
const displayName = sql<string>`coalesce(${users.chosenName}, ${users.name})`
export const publicUser = { userId: users.id, name: displayName }

/** Throws `forbidden` for who has never been here: they can be neither asked in nor written to. */
export async function requireUser(user: UserId): Promise<void> {
  const [person] = await db.select({ id: users.id }).from(users).where(eq(users.id, user))
  if (!person) throw new FunctionError('forbidden', `There is no ${user}: they must log in once`)
}

/** So many are found at once. */
export const maxUsers = 20

/** Each has an index of its own, in the order of bytes. */
const searched = { id: sql`${users.id}`, name: sql`lower(${displayName})` }
const lastCharacter = '\u{10ffff}'

/** Walks an index of the table from where a text stands in it to where what begins so ends. */
export function findUsers(by: keyof typeof searched, text: string) {
  const column = searched[by]
  const start = sql`lower(${text}::text)`
  const end = sql`(${start} || ${lastCharacter}::text)`
  return db
    .select(publicUser)
    .from(users)
    .where(sql`${column} ~>=~ ${start} and ${column} ~<~ ${end}`)
    .orderBy(sql`${column} using ~<~`)
    .limit(maxUsers)
}
