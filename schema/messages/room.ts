import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { RoomId, Time, UserId } from '../ids.ts'

/**
 * Everybody may join a public room; a private one is for those who are asked in; a direct one is for
 * two, and made by the first who writes.
 */
export const RoomKind = v.picklist(['public', 'private', 'direct'])
export type RoomKind = v.InferOutput<typeof RoomKind>

/** What somebody may do in a room: see schema/roles.ts. */
export const Role = v.picklist(['owner', 'moderator', 'member', 'guest'])
export type Role = v.InferOutput<typeof Role>

/** What people see as a room's name: one line, no control characters. */
export const RoomName = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(80),
  v.check((name) => name.isWellFormed(), 'Invalid name: it contains half a surrogate pair'),
  v.regex(/^\P{C}+$/u, 'Invalid name: it contains a control character'),
)

export const Room = v.object({ id: RoomId, name: v.string(), kind: RoomKind })
export type Room = v.InferOutput<typeof Room>

/** A place in the log, or 0 for before all of it. */
const SeqOrNone = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** Nobody wants to know how many more messages they have not read. */
export const maxUnread = 100

/** A room as one of its members sees it. */
export const MyRoom = v.object({
  ...Room.entries,
  role: Role,
  /** The other person of a direct room. */
  with: v.optional(UserId),
  /** The last thing that happened there; 0 if nothing did. */
  lastSeq: SeqOrNone,
  /** How far the caller has read, or where the room was when they came; 0 for not at all. */
  readSeq: SeqOrNone,
  /**
   * Messages of others after that in the room itself, and in its threads those that name the caller;
   * and all that name the caller: 100 for more. Looked at are the newest 1,000 of the room itself, and
   * the newest 200 in its threads that name anybody.
   */
  unread: v.number(),
  mentions: v.number(),
})
export type MyRoom = v.InferOutput<typeof MyRoom>

const roomOnly = v.strictObject({ room: RoomId })
const done = v.object({})

/**
 * `room.create`: a new room with the caller as its owner. `conflict` when the id is taken; whoever owns it
 * under the same name and of the same kind has made it already.
 */
export const roomCreate = {
  subject: 'room.create',
  input: v.strictObject({ room: RoomId, name: RoomName, kind: v.picklist(['public', 'private']) }),
  output: v.object({ room: Room }),
  audience: ['admin', 'user'],
  description: 'Makes a room',
  errors: ['conflict'],
} as const satisfies Contract

/**
 * `room.direct`: the room of the caller and somebody else who has been here once, made on first use.
 */
export const roomDirect = {
  subject: 'room.direct',
  input: v.strictObject({ with: UserId }),
  output: v.object({ room: Room }),
  audience: ['admin', 'user'],
  description: 'Finds or makes the room of two people',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.list`: the caller's rooms, in no order. */
export const roomList = {
  subject: 'room.list',
  input: v.strictObject({}),
  output: v.object({ rooms: v.array(MyRoom) }),
  audience: ['everyone'],
  description: 'Lists the rooms of the caller, with what is unread',
} as const satisfies Contract

/** What names are compared with: whatever the database takes. */
const SearchText = v.pipe(
  v.string(),
  v.maxLength(80),
  v.check(
    (text) => text.isWellFormed() && !text.includes('\0'),
    'Invalid text: no name holds that',
  ),
)

/**
 * `room.browse`: public rooms whose name or id contains a text, in capitals or not, by name; 50 at a
 * time, from the first or from behind the last one of the page before.
 */
export const roomBrowse = {
  subject: 'room.browse',
  input: v.strictObject({ text: v.optional(SearchText, ''), after: v.optional(RoomId) }),
  output: v.object({
    rooms: v.array(v.object({ ...Room.entries, members: v.number(), joined: v.boolean() })),
    more: v.boolean(),
  }),
  audience: ['everyone'],
  description: 'Lists public rooms that can be joined',
} as const satisfies Contract

/**
 * `room.info`: a room the caller belongs to, or a public one, and those 500 in it who have been there
 * longest. Without a role, the caller is not in it.
 */
export const roomInfo = {
  subject: 'room.info.{room}',
  input: roomOnly,
  output: v.object({
    room: Room,
    createdAt: Time,
    role: v.optional(Role),
    count: v.number(),
    members: v.array(v.object({ userId: UserId, role: Role, name: v.string() })),
  }),
  audience: ['everyone'],
  description: 'Describes a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.join`: become a member of a room. Joining twice is the same as joining once. */
export const roomJoin = {
  subject: 'room.join.{room}',
  input: roomOnly,
  output: v.object({ room: Room }),
  audience: ['everyone'],
  description: 'Makes the caller a member of a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.leave`: belong to a room no more. The last owner of a room with others in it cannot. */
export const roomLeave = {
  subject: 'room.leave.{room}',
  input: roomOnly,
  output: done,
  audience: ['everyone'],
  description: 'Ends the membership of the caller',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

const roomAndUser = v.strictObject({ room: RoomId, userId: UserId })

/**
 * `room.invite`: make somebody a member who has been here once. Also lets in again whoever was kicked.
 */
export const roomInvite = {
  subject: 'room.invite.{room}',
  input: v.strictObject({
    ...roomAndUser.entries,
    role: v.optional(v.picklist(['member', 'guest']), 'member'),
  }),
  output: done,
  audience: ['admin', 'user'],
  description: 'Makes somebody a member of a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.kick`: end somebody's membership, and keep them out until they are invited. The last owner
 * stays: `conflict`.
 */
export const roomKick = {
  subject: 'room.kick.{room}',
  input: roomAndUser,
  output: done,
  audience: ['admin', 'user'],
  description: 'Removes somebody from a room',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/** `room.role`: say what somebody may do in a room. The last owner stays one: `conflict`. */
export const roomRole = {
  subject: 'room.role.{room}',
  input: v.strictObject({ ...roomAndUser.entries, role: Role }),
  output: done,
  audience: ['admin', 'user'],
  description: 'Changes the role of a member',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/** `admin.role`: the same, in any room, for administrators. Makes a member of who is none. */
export const adminRole = {
  subject: 'admin.role.{room}',
  input: v.strictObject({ ...roomAndUser.entries, role: Role }),
  output: done,
  audience: ['admin'],
  description: 'Changes the role of anybody in any room',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/** `room.archive`: end a room, or bring it back. While it is archived, nobody can read it. */
export const roomArchive = {
  subject: 'room.archive.{room}',
  input: v.strictObject({ room: RoomId, archived: v.optional(v.boolean(), true) }),
  output: done,
  audience: ['admin', 'user'],
  description: 'Archives a room, or restores it',
  errors: ['forbidden'],
} as const satisfies Contract

/** `room.rename`: change what a room is called. Its id stays. */
export const roomRename = {
  subject: 'room.rename.{room}',
  input: v.strictObject({ room: RoomId, name: RoomName }),
  output: done,
  audience: ['admin', 'user'],
  description: 'Renames a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.members`: everyone who belongs to a room, by id. Nobody, if there is no such room. Where they do
 * not fit into one answer, `next` says after whom to go on.
 */
export const roomMembers = {
  subject: 'room.members.{room}',
  input: v.strictObject({ room: RoomId, after: v.optional(UserId) }),
  output: v.object({ members: v.array(UserId), next: v.optional(UserId) }),
  audience: ['functions'],
  // A process that is killed takes its questions with it, and a room waits to be told meanwhile.
  timeoutMs: 1_000,
  description: 'Lists the members of a room',
} as const satisfies Contract

/** Told to functions when somebody has come to belong to a room, or does no more. */
export const roomChanged = {
  subject: 'room.changed.{room}',
  data: v.variant('action', [
    v.object({ room: RoomId, action: v.picklist(['join', 'leave']), userId: UserId }),
    v.object({ room: RoomId, action: v.picklist(['archive', 'restore']) }),
  ]),
} as const satisfies Topic

/**
 * `read.update`: how far the caller has read: to the room's last event at most. Goes back only where
 * it says `unread`. Answers with where that is, and what is unread from there on, taking into account
 * what happened up to `asOf`.
 */
export const readUpdate = {
  subject: 'read.update.{room}',
  input: v.strictObject({
    room: RoomId,
    seq: SeqOrNone,
    unread: v.optional(v.boolean(), false),
  }),
  output: v.object({ seq: SeqOrNone, unread: v.number(), mentions: v.number(), asOf: SeqOrNone }),
  audience: ['everyone'],
  description: 'Says how far the caller has read in a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** Told to somebody, wherever they are, when they have read on or gone back. */
export const deliverRead = {
  subject: 'deliver.{user}.read.{room}',
  data: v.object({
    user: UserId,
    room: RoomId,
    ...readUpdate.output.entries,
    /** They went back. Of what is not, the furthest stands, since two may come in the wrong order. */
    back: v.boolean(),
  }),
  push: true,
} as const satisfies Topic
