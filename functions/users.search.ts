import { findUsers, maxUsers } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { usersSearch } from '#schema/messages/user'

/** Returns the users found by id before those found by name. */
export default defineFunction(
  usersSearch,
  async ({ text }) => {
    const [byId, byName] = await Promise.all([findUsers('id', text), findUsers('name', text)])
    const users = new Map([...byId, ...byName].map((user) => [user.userId, user]))
    return { users: [...users.values()].slice(0, maxUsers) }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)
