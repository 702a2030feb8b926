import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, Time, UserId } from '../ids.ts'
import { Role, Room } from './room.ts'

const roomInput = v.strictObject({ room: RoomId })
const memberInput = v.strictObject({ room: RoomId, userId: UserId })
const empty = v.object({})

/**
 * `room.join`: adds the caller to a public room, or to any room to which the caller is invited. In
 * a direct room, accepts a message request. Idempotent.
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
 * `room.invite`: invites a user, who becomes a member with `room.join`. The user must have logged
 * in at least once. Does nothing if the user is a member, is already invited, or has blocked the
 * caller. If the user has declined an invitation with `room.decline`, `room.invitations` does not
 * list a new one, but the user can accept it. Idempotent.
 */
export const roomInvite = {
  subject: 'room.invite.{room}',
  input: v.strictObject({
    ...memberInput.entries,
    role: v.optional(v.picklist(['member', 'guest']), 'member'),
  }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Invites a user to a room',
  errors: ['forbidden'],
} as const satisfies Contract

export const roomDecline = {
  subject: 'room.decline.{room}',
  input: roomInput,
  output: empty,
  audience: ['everyone'],
  description: 'Declines an invitation to a room',
  errors: ['forbidden'],
} as const satisfies Contract

export const Invitation = v.object({ room: Room, by: UserId, at: Time })
export type Invitation = v.InferOutput<typeof Invitation>

/** `room.invitations`: returns the newest 100 invitations that the caller has not answered. */
export const roomInvitations = {
  subject: 'room.invitations',
  input: v.strictObject({}),
  output: v.object({ invitations: v.array(Invitation) }),
  audience: ['everyone'],
  description: 'Lists the invitations of the caller',
} as const satisfies Contract

/**
 * Published to all clients of a user when an invitation or a message request to the user was
 * created or has ended, or when the user has blocked or unblocked another user. Clients then call
 * `room.invitations` and `room.list`.
 */
export const deliverInvitation = {
  subject: 'deliver.{user}.invitation.{room}',
  data: v.object({ user: UserId, room: RoomId }),
  push: true,
} as const satisfies Topic

/**
 * `room.kick`: bans a user from a room, and removes the user if they are a member. The ban lasts
 * until `room.unban`. Idempotent. Returns `conflict` if the member is the last owner.
 */
export const roomKick = {
  subject: 'room.kick.{room}',
  input: memberInput,
  output: empty,
  audience: ['admin', 'user'],
  description: 'Bans a user from a room and removes them',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

export const roomUnban = {
  subject: 'room.unban.{room}',
  input: memberInput,
  output: empty,
  audience: ['admin', 'user'],
  description: 'Lifts a ban from a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.bans`: returns the newest 500 bans of a room to its moderators and owners. */
export const roomBans = {
  subject: 'room.bans.{room}',
  input: roomInput,
  output: v.object({
    bans: v.array(v.object({ userId: UserId, name: v.string(), by: UserId, at: Time })),
  }),
  audience: ['admin', 'user'],
  description: 'Lists the users who are banned from a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.role`: changes the role of a member. Idempotent. Returns `conflict` if the last owner would
 * lose the role of an owner.
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
 * `admin.role`: changes the role of a user in any room that is not direct. If the user is not a
 * member, invites the user with that role. If administrators give a role to themselves, they become
 * members at once, without an invitation. Returns `conflict` if the last owner would lose the role
 * of an owner.
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
 * the room does not exist. To get the next page, pass `next` as `after`. `next` is absent on the
 * last page.
 */
export const roomMembers = {
  subject: 'room.members.{room}',
  input: v.strictObject({ room: RoomId, after: v.optional(UserId) }),
  output: v.object({ members: v.array(UserId), next: v.optional(UserId) }),
  audience: ['functions'],
  // Events that are published to each member of the room wait for the answer. If the process that
  // handles the call is killed, they wait until this timeout.
  timeoutMs: 1_000,
  description: 'Lists the members of a room',
} as const satisfies Contract

export const roomChanged = {
  subject: 'room.changed.{room}',
  data: v.variant('action', [
    v.object({ room: RoomId, action: v.picklist(['join', 'leave']), userId: UserId }),
    v.object({ room: RoomId, action: v.picklist(['archive', 'restore']) }),
  ]),
} as const satisfies Topic
