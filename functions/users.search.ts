import { findUsers, maxUsers } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { usersSearch } from '#schema/messages/user'

/** Finds people whose id or name begins with a text: by id first, each in its order. */
export default defineFunction(
  usersSearch,
  async ({ text }) => {
    const [byId, byName] = await Promise.all([findUsers('id', text), findUsers('name', text)])
    const found = new Map([...byId, ...byName].map((user) => [user.userId, user]))
    return { users: [...found.values()].slice(0, maxUsers) }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)
