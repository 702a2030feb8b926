import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { UserId } from '../ids.ts'
import { Name } from '../name.ts'
import { StorableText } from '../storable-text.ts'

export const User = v.object({
  userId: UserId,
  name: v.string(),
  /** The user name at the identity provider. Unlike the id, it may change. */
  handle: v.string(),
  deactivated: v.optional(v.boolean()),
})
export type User = v.InferOutput<typeof User>

const Me = v.object({
  ...User.entries,
  providerName: v.string(),
})
export type Me = v.InferOutput<typeof Me>

/**
 * `users.me`: returns the caller. If `name` is given, first sets the display name. If `name` is
 * null, first restores the name from the identity provider. Returns `conflict` if the name looks
 * like the name, user name or id of another user.
 */
export const usersMe = {
  subject: 'users.me',
  input: v.strictObject({ name: v.optional(v.nullable(Name)) }),
  output: Me,
  audience: ['everyone'],
  description: 'Returns the caller, or changes their display name',
  errors: ['conflict'],
} as const satisfies Contract

/**
 * `users.id`: returns the caller's user id. The subject of a call normally contains this id. A
 * client that does not know it yet puts its identity token (schema/identity.ts) there instead.
 */
export const usersId = {
  subject: 'users.id',
  input: v.strictObject({}),
  output: v.object({ userId: UserId }),
  audience: ['everyone'],
  description: 'Returns the user id of the caller',
  errors: ['not_found'],
} as const satisfies Contract

const SearchText = v.pipe(StorableText, v.minLength(1), v.maxLength(64))

/**
 * `users.search`: returns up to 20 users who are not deactivated. Each word of `text` must be the
 * beginning of a word in the user's name, user name or id. Ignores case and diacritics.
 */
export const usersSearch = {
  subject: 'users.search',
  input: v.strictObject({ text: SearchText }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Finds users by any word of their name or user name',
} as const satisfies Contract

/** `users.names`: returns the users with the given ids, except those who have never logged in. */
export const usersNames = {
  subject: 'users.names',
  input: v.strictObject({ userIds: v.pipe(v.array(UserId), v.minLength(1), v.maxLength(200)) }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Returns the display names of users',
} as const satisfies Contract

/** Published to functions at each login of a user, with the user's data from the access token. */
export const userSeen = {
  subject: 'user.seen.{userId}',
  data: v.object({
    userId: UserId,
    name: v.optional(v.string()),
    handle: v.optional(v.string()),
    issuer: v.optional(v.string()),
    subject: v.optional(v.string()),
  }),
} as const satisfies Topic

/** Published by the NATS server when the connection of a user was closed, unless the server was killed. */
export const connectionClosed = {
  subject: 'connection.closed',
  data: v.object({
    server: v.object({ id: v.string() }),
    client: v.object({ user: v.string(), id: v.number() }),
    reason: v.string(),
  }),
} as const satisfies Topic

/** Published by the NATS server when a user has connected. */
export const connectionOpened = {
  subject: 'connection.opened',
  data: v.object({ client: v.object({ user: v.string(), start: v.string() }) }),
} as const satisfies Topic
