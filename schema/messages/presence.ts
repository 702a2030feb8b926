import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { MessageId, RoomId, Time, UserId } from '../ids.ts'

/** Status that a user can choose while connected. */
export const ChosenStatus = v.picklist(['online', 'away', 'busy'])
export type ChosenStatus = v.InferOutput<typeof ChosenStatus>
export const Status = v.picklist(['online', 'away', 'busy', 'offline'])
export type Status = v.InferOutput<typeof Status>

/** One tab or device. The client generates it at its start. */
export const ConnId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/), v.brand('ConnId'))
export type ConnId = v.InferOutput<typeof ConnId>

export const heartbeatMs = 10_000
/** Milliseconds until a connection without a heartbeat counts as closed. */
export const leaseMs = 45_000

const connection = v.strictObject({ connId: ConnId })
const empty = v.object({})

/** `presence.heartbeat`: renews the lease of a connection. An offline caller becomes online. */
export const presenceHeartbeat = {
  subject: 'presence.heartbeat',
  input: connection,
  output: v.object({ status: Status }),
  audience: ['everyone'],
  description: 'Renews the lease of a connection',
} as const satisfies Contract

/**
 * `presence.update`: sets the caller's status. `conflict` when the caller is offline, without a
 * lease. `idle` marks an automatic change, which applies only to a caller who is online.
 */
export const presenceUpdate = {
  subject: 'presence.update',
  input: v.strictObject({ status: ChosenStatus, idle: v.optional(v.boolean(), false) }),
  output: empty,
  audience: ['everyone'],
  description: 'Sets the status of the caller',
  errors: ['conflict'],
} as const satisfies Contract

/** `presence.disconnect`: ends a connection. After the last one, the caller is offline. */
export const presenceDisconnect = {
  subject: 'presence.disconnect',
  input: connection,
  output: empty,
  audience: ['everyone'],
  description: 'Ends a connection of the caller',
} as const satisfies Contract

/**
 * `presence.room`: returns the members of a room who are not offline, limited to the size of one
 * answer (about 10,000). Subscribe and send `presence.heartbeat` first, so that no later change is
 * missed.
 */
export const presenceRoom = {
  subject: 'presence.room.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ present: v.record(UserId, ChosenStatus) }),
  audience: ['everyone'],
  description: 'Lists the members of a room who are online',
  errors: ['forbidden'],
} as const satisfies Contract

const PresenceChange = v.object({
  /** `status` for a change that the user made, `idle` for an automatic one. */
  action: v.picklist(['online', 'offline', 'status', 'idle']),
  userId: UserId,
  status: Status,
})
export type PresenceChange = v.InferOutput<typeof PresenceChange>

/**
 * Published to functions when a user's status changed. Of two events, the one with the later `at`
 * counts.
 */
export const presenceChanged = {
  subject: 'presence.changed.{userId}',
  data: v.object({ ...PresenceChange.entries, at: Time }),
} as const satisfies Topic

const changes = { room: RoomId, changes: v.array(PresenceChange) }

/** Broadcast to the subscribers of a public room: the changes of a short interval. */
export const roomPresence = {
  subject: 'room.presence.{room}',
  data: v.object(changes),
  push: true,
} as const satisfies Topic

/** Published instead to each online member of a room that is not public. */
export const deliverPresence = {
  subject: 'deliver.{user}.presence.{room}',
  data: v.object({ ...changes, user: UserId }),
  push: true,
} as const satisfies Topic

/**
 * `typing`: publishes to a room that the caller is typing, at most once per 3 s. Nothing is stored.
 */
export const typing = {
  subject: 'typing.{room}',
  input: v.strictObject({ room: RoomId, threadId: v.optional(MessageId) }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Publishes that the caller is typing',
  errors: ['forbidden'],
} as const satisfies Contract

/** Broadcast to the subscribers of a public room. Clients show it for 5 s. */
export const roomTyping = {
  subject: 'room.typing.{room}',
  data: v.object({ room: RoomId, userId: UserId, threadId: v.optional(MessageId) }),
  push: true,
} as const satisfies Topic

/** Published instead to each other member of a room that is not public. */
export const deliverTyping = {
  subject: 'deliver.{user}.typing.{room}',
  data: v.object({ ...roomTyping.data.entries, user: UserId }),
  push: true,
} as const satisfies Topic
