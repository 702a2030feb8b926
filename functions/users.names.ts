import { readUsers } from '#domain/users/directory'
import { defineFunction } from '#runtime'
import { usersNames } from '#schema/messages/user'

export default defineFunction(
  usersNames,
  async ({ userIds }) => ({ users: await readUsers(userIds) }),
  { limit: { max: 300, windowMs: 60_000 } },
)
