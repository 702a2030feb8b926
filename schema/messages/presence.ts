import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { MessageId, RoomId, Time, UserId } from '../ids.ts'

/** How somebody wants to be seen while they are there. */
export const ChosenStatus = v.picklist(['online', 'away', 'busy'])
export type ChosenStatus = v.InferOutput<typeof ChosenStatus>
export const Status = v.picklist(['online', 'away', 'busy', 'offline'])
export type Status = v.InferOutput<typeof Status>

/** One tab, or one device: made by the client when it starts. */
export const ConnId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/), v.brand('ConnId'))
export type ConnId = v.InferOutput<typeof ConnId>

/** How often a client says that it is there, and how long that holds, in milliseconds. */
export const heartbeatMs = 10_000
export const leaseMs = 45_000

const connection = v.strictObject({ connId: ConnId })
const done = v.object({})

/** `presence.heartbeat`: the caller is there. What they chose to be seen as stays. */
export const presenceHeartbeat = {
  subject: 'presence.heartbeat',
  input: connection,
  output: v.object({ status: Status }),
  audience: ['everyone'],
  description: 'Says that a connection of the caller is alive',
} as const satisfies Contract

/**
 * `presence.update`: be seen as this while online. `conflict` for who is offline: no heartbeat holds.
 * `idle` where nobody has chosen it: then it changes only who is seen as online.
 */
export const presenceUpdate = {
  subject: 'presence.update',
  input: v.strictObject({ status: ChosenStatus, idle: v.optional(v.boolean(), false) }),
  output: done,
  audience: ['everyone'],
  description: 'Chooses how the caller is seen',
  errors: ['conflict'],
} as const satisfies Contract

/** `presence.disconnect`: this connection ends. The last one makes the caller offline. */
export const presenceDisconnect = {
  subject: 'presence.disconnect',
  input: connection,
  output: done,
  audience: ['everyone'],
  description: 'Says that a connection of the caller ends',
} as const satisfies Contract

/**
 * `presence.room`: who of a room is not offline. Whoever is not named is. Ask when you listen and
 * have said `presence.heartbeat`: then what changes afterwards is told. Where more than 10,000 are
 * there, as many are named as fit into one answer.
 */
export const presenceRoom = {
  subject: 'presence.room.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ present: v.record(UserId, ChosenStatus) }),
  audience: ['everyone'],
  description: 'Shows who is there in a room',
  errors: ['forbidden'],
} as const satisfies Contract

const PresenceChange = v.object({
  /** `status` is what somebody has chosen, `idle` what has come about without that. */
  action: v.picklist(['online', 'offline', 'status', 'idle']),
  userId: UserId,
  status: Status,
})
export type PresenceChange = v.InferOutput<typeof PresenceChange>

/** Told to functions when somebody is seen differently, with the time by which the newest is known. */
export const presenceChanged = {
  subject: 'presence.changed.{userId}',
  data: v.object({ ...PresenceChange.entries, at: Time }),
} as const satisfies Topic

const changes = { room: RoomId, changes: v.array(PresenceChange) }

/** Told to all who listen to a public room: what changed since the last time. */
export const roomPresence = {
  subject: 'room.presence.{room}',
  data: v.object(changes),
  push: true,
} as const satisfies Topic

/** The same for a room that not everybody may hear: told to each member who is there. */
export const deliverPresence = {
  subject: 'deliver.{user}.presence.{room}',
  data: v.object({ ...changes, user: UserId }),
  push: true,
} as const satisfies Topic

/** `typing`: the caller is writing in a room, or in a thread. Not kept, and told to others for a moment. */
export const typing = {
  subject: 'typing.{room}',
  input: v.strictObject({ room: RoomId, threadId: v.optional(MessageId) }),
  output: done,
  audience: ['admin', 'user'],
  description: 'Says that the caller is writing',
  errors: ['forbidden'],
} as const satisfies Contract

/** Told to all who listen to a public room: somebody writes, and is to be shown for 5 s. */
export const roomTyping = {
  subject: 'room.typing.{room}',
  data: v.object({ room: RoomId, userId: UserId, threadId: v.optional(MessageId) }),
  push: true,
} as const satisfies Topic

/** The same for a room that not everybody may hear. */
export const deliverTyping = {
  subject: 'deliver.{user}.typing.{room}',
  data: v.object({ ...roomTyping.data.entries, user: UserId }),
  push: true,
} as const satisfies Topic
