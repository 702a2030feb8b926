import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { KeyId, RoomId, Time, UserId } from '../ids.ts'
import { Name } from '../name.ts'
import { StorableText } from '../storable-text.ts'

/**
 * Any user who is not banned from a public room may read and join it. To join a private room, a
 * user needs an invitation. A direct room is for the messages of two users, or of one user to
 * themselves.
 */
export const RoomKind = v.picklist(['public', 'private', 'direct'])
export type RoomKind = v.InferOutput<typeof RoomKind>

/** The rights of each role are in schema/roles.ts. */
export const Role = v.picklist(['owner', 'moderator', 'member', 'guest'])
export type Role = v.InferOutput<typeof Role>

export const Room = v.object({ id: RoomId, name: v.string(), kind: RoomKind })
export type Room = v.InferOutput<typeof Room>

/** A sequence in the stream CHAT_MESSAGES; 0 for the position before the first event. */
const SeqOrNone = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

export const maxUnread = 100

export const MyRoom = v.object({
  ...Room.entries,
  role: Role,
  /** The other member of a direct room. */
  with: v.optional(UserId),
  /** True for a message request that the caller has not accepted. */
  isRequest: v.optional(v.boolean()),
  isBlocked: v.optional(v.boolean()),
  /** Sequence of the room's newest event; 0 if the room has no event. */
  lastSeq: SeqOrNone,
  /**
   * Time of the room's newest event. Clients sort rooms by this time. They cannot sort by
   * `lastSeq`, because the sequences of two rooms may belong to different partitions.
   */
  lastAt: v.optional(Time),
  /**
   * Sequence up to which the caller has read the room. At first, it is the sequence of the last
   * event before the caller joined; 0 if there was none.
   */
  readSeq: SeqOrNone,
  /**
   * Number of unread messages of other users. Includes replies only in threads that the caller
   * follows. At most 100. Counts only the newest 1,000 messages of the room and of each thread.
   */
  unread: v.number(),
  /** Number of unread messages and replies of other users that mention the caller, at most 100. */
  mentions: v.number(),
})
export type MyRoom = v.InferOutput<typeof MyRoom>

/**
 * The key with which clients decrypt the events that are published once for all members of a large
 * room. `key` is 32 bytes in base64.
 */
export const RoomKey = v.object({
  id: KeyId,
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/)),
})
export type RoomKey = v.InferOutput<typeof RoomKey>

const roomInput = v.strictObject({ room: RoomId })
const empty = v.object({})

/**
 * `room.create`: creates a room that the caller owns. If the id is taken, returns `conflict`,
 * except when the owner of the room repeats the call with the same name and kind. The id of a
 * private room must end with `-` and at least 8 random characters of `a-z0-9`, so that no user can
 * guess it.
 */
export const roomCreate = {
  subject: 'room.create',
  input: v.strictObject({ room: RoomId, name: Name, kind: v.picklist(['public', 'private']) }),
  output: v.object({ room: Room }),
  audience: ['admin', 'user'],
  description: 'Creates a room',
  errors: ['conflict'],
} as const satisfies Contract

/**
 * `room.direct`: returns the direct room of the caller and another user, and creates it at the first
 * call. If the two users share no other room, the new direct room is a message request to the other
 * user. If the direct room is a message request to the caller, accepts the request. Returns
 * `forbidden` if the other user has never logged in, or if they are deactivated and the room is
 * new.
 */
export const roomDirect = {
  subject: 'room.direct',
  input: v.strictObject({ with: UserId }),
  output: v.object({ room: Room }),
  audience: ['admin', 'user'],
  description: 'Returns the direct room of two users',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.list`: returns the caller's rooms, at most 1,000, in no particular order. `log` is an id of
 * the stream of events. If it differs from the `log` of an earlier answer, a backup may have been
 * restored: the client must then delete all events and sequences that it has stored. `log` is
 * absent while JetStream is unavailable.
 */
export const roomList = {
  subject: 'room.list',
  input: v.strictObject({}),
  output: v.object({ rooms: v.array(MyRoom), log: v.optional(v.string()) }),
  audience: ['everyone'],
  description: 'Lists the rooms of the caller with unread counts',
} as const satisfies Contract

const SearchText = v.pipe(StorableText, v.maxLength(80))

/**
 * `room.browse`: returns up to 50 public rooms whose name or id contains `text`, ignoring case,
 * ordered by name. `after` is the id of the last room of the previous page.
 */
export const roomBrowse = {
  subject: 'room.browse',
  input: v.strictObject({ text: v.optional(SearchText, ''), after: v.optional(RoomId) }),
  output: v.object({
    rooms: v.array(v.object({ ...Room.entries, members: v.number(), joined: v.boolean() })),
    more: v.boolean(),
  }),
  audience: ['everyone'],
  description: 'Lists public rooms',
} as const satisfies Contract

/**
 * `room.keys`: returns the current keys of the given rooms. Omits rooms that have no key, and rooms
 * of which the caller is not a member. Clients call it at the start and after a reconnect, and
 * receive later keys with notifications.
 */
export const roomKeys = {
  subject: 'room.keys',
  input: v.strictObject({ rooms: v.pipe(v.array(RoomId), v.maxLength(1_000)) }),
  output: v.object({ keys: v.array(v.object({ ...RoomKey.entries, room: RoomId })) }),
  audience: ['everyone'],
  description: 'Returns the keys that decrypt events of large rooms',
} as const satisfies Contract

/**
 * `room.info`: returns a room and the 500 members who joined first. `role` is absent if the caller
 * is not a member. If the room is not public, a user who is only invited gets the room without its
 * members, and any other user who is not a member gets `forbidden`. A banned user always gets
 * `forbidden`.
 */
export const roomInfo = {
  subject: 'room.info.{room}',
  input: roomInput,
  output: v.object({
    room: Room,
    createdAt: Time,
    role: v.optional(Role),
    count: v.number(),
    members: v.array(
      v.object({
        userId: UserId,
        role: Role,
        name: v.string(),
        deactivated: v.optional(v.boolean()),
      }),
    ),
  }),
  audience: ['everyone'],
  description: 'Returns a room and its members',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.archive`: archives a room, so that its members can no longer read it. Restores the room if
 * `archived` is false. Idempotent.
 */
export const roomArchive = {
  subject: 'room.archive.{room}',
  input: v.strictObject({ room: RoomId, archived: v.optional(v.boolean(), true) }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Archives or restores a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `room.archived`: returns the archived rooms that the caller owns, and may restore with
 * `room.archive`. Returns at most 200 rooms, ordered by name. Searches only the 1,000 rooms that
 * were archived last.
 */
export const roomArchived = {
  subject: 'room.archived',
  input: v.strictObject({}),
  output: v.object({ rooms: v.array(Room) }),
  audience: ['admin', 'user'],
  description: 'Lists the archived rooms that the caller owns',
} as const satisfies Contract

export const roomRename = {
  subject: 'room.rename.{room}',
  input: v.strictObject({ room: RoomId, name: Name }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Renames a room',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `read.update`: sets the caller's read position to `seq`, or to the room's newest event if `seq`
 * is higher. Moves the position backwards only if `unread` is true. Returns the unread counts,
 * which include the events up to the sequence `asOf`.
 */
export const readUpdate = {
  subject: 'read.update.{room}',
  input: v.strictObject({
    room: RoomId,
    seq: SeqOrNone,
    unread: v.optional(v.boolean(), false),
    /** If true, the room's threads are marked as read up to `seq` as well. */
    threads: v.optional(v.boolean(), false),
  }),
  output: v.object({ seq: SeqOrNone, unread: v.number(), mentions: v.number(), asOf: SeqOrNone }),
  audience: ['everyone'],
  description: 'Sets the read position of the caller',
  errors: ['forbidden'],
} as const satisfies Contract

export const deliverRead = {
  subject: 'deliver.{user}.read.{room}',
  data: v.object({
    user: UserId,
    room: RoomId,
    ...readUpdate.output.entries,
    /**
     * True if the read position moved backwards. If false, clients keep the highest position that
     * they have received, because these events can arrive in the wrong order.
     */
    back: v.boolean(),
    threads: v.boolean(),
  }),
  push: true,
} as const satisfies Topic
