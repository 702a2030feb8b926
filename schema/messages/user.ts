import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { UserId } from '../ids.ts'
import { StorableText } from '../storable-text.ts'
import { RoomName } from './room.ts'

export const DisplayName = RoomName

export const User = v.object({ userId: UserId, name: v.string() })
export type User = v.InferOutput<typeof User>

/**
 * `users.me`: returns the caller's id and display name. If `name` is given, sets the display name
 * first.
 */
export const usersMe = {
  subject: 'users.me',
  input: v.strictObject({ name: v.optional(DisplayName) }),
  output: User,
  audience: ['everyone'],
  description: 'Returns the caller, or changes their display name',
} as const satisfies Contract

const SearchText = v.pipe(StorableText, v.minLength(1), v.maxLength(64))

/** `users.search`: returns up to 20 users whose id or name begins with `text`. */
export const usersSearch = {
  subject: 'users.search',
  input: v.strictObject({ text: SearchText }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Finds users by id or name',
} as const satisfies Contract

/** `users.names`: returns the users with the given ids, except those who have never logged in. */
export const usersNames = {
  subject: 'users.names',
  input: v.strictObject({ userIds: v.pipe(v.array(UserId), v.minLength(1), v.maxLength(200)) }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Returns the display names of users',
} as const satisfies Contract

/** Published to functions at each login, with the name from the token. */
export const userSeen = {
  subject: 'user.seen.{userId}',
  data: v.object({ userId: UserId, name: v.optional(v.string()) }),
} as const satisfies Topic

/** Published by the NATS server when a user has connected. */
export const connectionOpened = {
  subject: 'connection.opened',
  data: v.object({ client: v.object({ user: v.string() }) }),
} as const satisfies Topic
