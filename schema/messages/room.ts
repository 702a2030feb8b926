import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, UserId } from '../ids.ts'

/** Everybody may join a public room; a private one is for those who are asked in. */
export const RoomKind = v.picklist(['public', 'private'])
export type RoomKind = v.InferOutput<typeof RoomKind>

export const Room = v.object({ id: RoomId, name: v.string(), kind: RoomKind })
export type Room = v.InferOutput<typeof Room>

/** `room.join`: become a member of a room. Joining twice is the same as joining once. */
export const roomJoin = {
  subject: 'room.join.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ room: Room }),
  audience: ['everyone'],
  description: 'Makes the caller a member of a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.members`: everyone who belongs to a room, in no order. Nobody, if there is no such room. */
export const roomMembers = {
  subject: 'room.members.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ members: v.array(UserId) }),
  audience: ['functions'],
  description: 'Lists the members of a room',
} as const satisfies Contract

/** Told to functions when somebody has come to belong to a room, or does no more. */
export const roomChanged = {
  subject: 'room.changed.{room}',
  data: v.object({ room: RoomId, action: v.picklist(['join', 'leave']), userId: UserId }),
} as const satisfies Topic
