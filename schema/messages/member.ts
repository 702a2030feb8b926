import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, UserId } from '../ids.ts'
import { Role, Room } from './room.ts'

const roomInput = v.strictObject({ room: RoomId })
const memberInput = v.strictObject({ room: RoomId, userId: UserId })
const empty = v.object({})

/**
 * `room.join`: adds the caller to a public room. Idempotent. If the caller is already a member, the
 * call succeeds for a room of any kind.
 */
export const roomJoin = {
  subject: 'room.join.{room}',
  input: roomInput,
  output: v.object({ room: Room }),
  audience: ['everyone'],
  description: 'Adds the caller to a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.leave`: removes the caller from a room. Returns `conflict` if the caller is the last owner
 * and the room has other members.
 */
export const roomLeave = {
  subject: 'room.leave.{room}',
  input: roomInput,
  output: empty,
  audience: ['everyone'],
  description: 'Removes the caller from a room',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `room.invite`: adds a user to a room. The user must have logged in at least once. An invitation
 * by a moderator or an owner also lifts a ban. Idempotent.
 */
export const roomInvite = {
  subject: 'room.invite.{room}',
  input: v.strictObject({
    ...memberInput.entries,
    role: v.optional(v.picklist(['member', 'guest']), 'member'),
  }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Adds a user to a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.kick`: removes a member and bans them until they are invited again. Idempotent. Returns
 * `conflict` if the member is the last owner.
 */
export const roomKick = {
  subject: 'room.kick.{room}',
  input: memberInput,
  output: empty,
  audience: ['admin', 'user'],
  description: 'Removes a member from a room and bans them',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `room.role`: changes the role of a member. Idempotent. Returns `conflict` if the last owner would
 * lose that role.
 */
export const roomRole = {
  subject: 'room.role.{room}',
  input: v.strictObject({ ...memberInput.entries, role: Role }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Changes the role of a member',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `admin.role`: changes the role of a user in any room that is not direct. Adds the user if they
 * are not a member. Returns `conflict` if the last owner would lose that role.
 */
export const adminRole = {
  subject: 'admin.role.{room}',
  input: v.strictObject({ ...memberInput.entries, role: Role }),
  output: empty,
  audience: ['admin'],
  description: 'Changes the role of a user in any room',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `room.members`: returns a page of the member ids of a room, in ascending order. Returns no ids if
 * the room does not exist. `next` is the value of `after` for the next page, and absent on the last
 * page.
 */
export const roomMembers = {
  subject: 'room.members.{room}',
  input: v.strictObject({ room: RoomId, after: v.optional(UserId) }),
  output: v.object({ members: v.array(UserId), next: v.optional(UserId) }),
  audience: ['functions'],
  // Broadcasts to the room wait for the response. If the process that handles the request is
  // killed, the broadcasts wait for this time.
  timeoutMs: 1_000,
  description: 'Lists the members of a room',
} as const satisfies Contract

/**
 * Published to functions when a user joined or left a room, or when a room was archived or restored.
 */
export const roomChanged = {
  subject: 'room.changed.{room}',
  data: v.variant('action', [
    v.object({ room: RoomId, action: v.picklist(['join', 'leave']), userId: UserId }),
    v.object({ room: RoomId, action: v.picklist(['archive', 'restore']) }),
  ]),
} as const satisfies Topic
