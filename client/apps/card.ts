import type { UserId } from '#schema/ids'
import type { Card } from '#schema/messages/event'

/** Returns the users whose names appear in an app's message. */
export function usersIn({ by, users = {} }: Card): UserId[] {
  return [...(by ? [by] : []), ...Object.values(users)]
}

/** Returns the values of the placeholders in a message of an app. */
export function argsOf(
  { args, by, users = {} }: Card,
  nameOf: (user: UserId) => string,
): Record<string, string> {
  const named = Object.entries({ ...users, ...(by && { user: by }) })
  return { ...args, ...Object.fromEntries(named.map(([key, user]) => [key, nameOf(user)])) }
}
