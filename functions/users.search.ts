import { type SQL, sql } from 'drizzle-orm'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { usersSearch } from '#schema/messages/user'
import { users } from '#schema/tables/user'
import { shownName, shownUser } from './_users.ts'

const most = 20

/** Finds people whose id or name begins with a text: by id first, each in its order. */
export default defineFunction(
  usersSearch,
  async ({ text }) => {
    const [byId, byName] = await Promise.all([
      findPeople(sql`${users.id}`, text),
      findPeople(sql`lower(${shownName})`, text),
    ])
    const found = new Map([...byId, ...byName].map((user) => [user.userId, user]))
    return { users: [...found.values()].slice(0, most) }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)

/** Walks an index of the table from where the text stands in it to where what begins so ends. */
export function findPeople(column: SQL, text: string) {
  const start = sql`lower(${text})`
  return db
    .select(shownUser)
    .from(users)
    .where(sql`${column} ~>=~ ${start} and ${column} ~<~ ${start} || ${lastCharacter}`)
    .orderBy(sql`${column} using ~<~`)
    .limit(most)
}

const lastCharacter = '\u{10ffff}'
