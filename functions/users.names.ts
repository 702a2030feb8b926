import { sql } from 'drizzle-orm'
import { publicUser } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { usersNames } from '#schema/messages/user'
import { users } from '#schema/tables/user'

export default defineFunction(
  usersNames,
  async ({ userIds }) => ({
    // With one array parameter, the prepared statement is the same for any number of ids.
    users: await db
      .select(publicUser)
      .from(users)
      .where(sql`${users.id} = any(${sql.param(userIds)}::text[])`),
  }),
  { limit: { max: 300, windowMs: 60_000 } },
)
