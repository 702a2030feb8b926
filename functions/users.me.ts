import { eq } from 'drizzle-orm'
import { readCaller } from '#domain/rooms/member'
import { publicUser } from '#domain/users/directory'
import { chooseName } from '#domain/users/store'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { usersMe } from '#schema/messages/user'
import { users } from '#schema/tables/user'

export default defineFunction(
  usersMe,
  async ({ name }, context) => {
    const userId = readCaller(context)
    if (name !== undefined) return chooseName(userId, name)
    const [me] = await db
      .select({ ...publicUser, providerName: users.name })
      .from(users)
      .where(eq(users.id, userId))
    return me ?? { userId, name: userId, handle: userId, providerName: userId }
  },
  { limit: { max: 60, windowMs: 60_000 } },
)
