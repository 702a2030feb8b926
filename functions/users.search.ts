import { searchUsers } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { usersSearch } from '#schema/messages/user'

export default defineFunction(
  usersSearch,
  async ({ text }) => ({ users: await searchUsers(text) }),
  { limit: { max: 300, windowMs: 60_000 } },
)
