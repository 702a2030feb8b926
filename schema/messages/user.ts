import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { UserId } from '../ids.ts'
import { RoomName } from './room.ts'

/** What people see as somebody's name. The rules are those of a room's name. */
export const DisplayName = RoomName

export const User = v.object({ userId: UserId, name: v.string() })
export type User = v.InferOutput<typeof User>

/** `users.me`: who the caller is; with a name, how they want to be called from now on. */
export const usersMe = {
  subject: 'users.me',
  input: v.strictObject({ name: v.optional(DisplayName) }),
  output: User,
  audience: ['everyone'],
  description: 'Says who the caller is, or gives them another name',
} as const satisfies Contract

/** What names are compared with: whatever the database takes. */
const SearchText = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(64),
  v.check(
    (text) => text.isWellFormed() && !text.includes('\0'),
    'Invalid text: no name holds that',
  ),
)

/** `users.search`: people whose id or name begins with a text, 20 at most. They have been here once. */
export const usersSearch = {
  subject: 'users.search',
  input: v.strictObject({ text: SearchText }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Finds people by name',
} as const satisfies Contract

/** `users.names`: what these people are called; those who have never been here are left out. */
export const usersNames = {
  subject: 'users.names',
  input: v.strictObject({ userIds: v.pipe(v.array(UserId), v.minLength(1), v.maxLength(200)) }),
  output: v.object({ users: v.array(User) }),
  audience: ['everyone'],
  description: 'Says what people are called',
} as const satisfies Contract

/** Told to functions when somebody has logged in: what the token says they are called. */
export const userSeen = {
  subject: 'user.seen.{userId}',
  data: v.object({ userId: UserId, name: v.optional(v.string()) }),
} as const satisfies Topic
