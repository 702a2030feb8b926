import { sql } from 'drizzle-orm'
import { publicUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { usersNames } from '#schema/messages/user'
import { users } from '#schema/tables/user'

/** Says what people are called. One array, so that the statement is the same for any number. */
export default defineFunction(
  usersNames,
  async ({ userIds }) => ({
    users: await db
      .select(publicUser)
      .from(users)
      .where(sql`${users.id} = any(${sql.param(userIds)}::text[])`),
  }),
  { limit: { max: 300, windowMs: 60_000 } },
)
