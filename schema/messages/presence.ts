import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { MessageId, RoomId, Time, UserId } from '../ids.ts'

export const ChosenStatus = v.picklist(['online', 'away', 'busy'])
export type ChosenStatus = v.InferOutput<typeof ChosenStatus>
export const Status = v.picklist(['online', 'away', 'busy', 'offline'])
export type Status = v.InferOutput<typeof Status>

/**
 * Id of one browser tab or device. Each tab or device has a presence lease: a user is offline when
 * none of their leases is left. If the id is that of the caller's connection to NATS
 * (`natsConnectionId`), the lease lasts as long as that connection, and needs no heartbeats. With
 * any other id, the lease expires if no heartbeat renews it.
 */
export const ConnId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,80}$/), v.brand('ConnId'))
export type ConnId = v.InferOutput<typeof ConnId>

/**
 * `server` and `client` are the fields `server_id` and `client_id` of the server's INFO message.
 */
export function natsConnectionId({ server, client }: NatsConnectionId): ConnId {
  return `${server}-${client}` as ConnId
}

export interface NatsConnectionId {
  server: string
  client: number
}

/** Interval between heartbeats, for a lease that expires without heartbeats. */
export const heartbeatMs = 10_000
/** A lease that needs heartbeats expires this long after the last one. */
export const leaseMs = 45_000
/**
 * Interval between heartbeats, for a lease that lasts as long as its connection. These heartbeats
 * only restore a lease that was lost without the client noticing it. The interval is long, because
 * the rate limit counts each heartbeat in JetStream, which costs about one write.
 */
export const repairMs = 3_600_000
/** The name that the page gives its connection to NATS. */
export const pageConnectionName = 'natter-web'

/**
 * The status of each user, by user id. The schema is not a `v.record`, because that would drop ids
 * such as `constructor`.
 */
const StatusByUser = v.custom<Record<UserId, ChosenStatus>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([user, status]) => v.is(UserId, user) && v.is(ChosenStatus, status),
    ),
)

const connection = v.strictObject({ connId: ConnId })
const empty = v.object({})

/**
 * `presence.heartbeat`: renews the lease of a connection, or creates it. If the caller is offline,
 * sets the caller online. The client sends the next heartbeat after `nextMs`.
 */
export const presenceHeartbeat = {
  subject: 'presence.heartbeat',
  input: connection,
  output: v.object({ status: Status, nextMs: v.optional(v.number()) }),
  audience: ['everyone'],
  description: 'Renews the lease of a connection',
} as const satisfies Contract

/**
 * `presence.update`: sets the status of the caller. Returns `conflict` when the caller is offline.
 * Clients set `idle` to true if they change the status because the user is inactive. The status
 * then changes only if it is `online`, so that a status which the user has chosen is kept.
 */
export const presenceUpdate = {
  subject: 'presence.update',
  input: v.strictObject({ status: ChosenStatus, idle: v.optional(v.boolean(), false) }),
  output: empty,
  audience: ['everyone'],
  description: 'Sets the status of the caller',
  errors: ['conflict'],
} as const satisfies Contract

/**
 * `presence.disconnect`: ends a connection of the caller. Sets the caller offline if they have no
 * other connection.
 */
export const presenceDisconnect = {
  subject: 'presence.disconnect',
  input: connection,
  output: empty,
  audience: ['everyone'],
  description: 'Ends a connection of the caller',
} as const satisfies Contract

/**
 * `presence.room`: returns the members of a room who are not offline, as many as fit into one
 * response (about 10,000). Clients first subscribe to presence changes and send
 * `presence.heartbeat`, so that they miss no later change: some changes are published only to users
 * who are not offline.
 */
export const presenceRoom = {
  subject: 'presence.room.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ present: StatusByUser }),
  audience: ['everyone'],
  description: 'Lists the members of a room who are online',
  errors: ['forbidden'],
} as const satisfies Contract

const PresenceChange = v.object({
  /**
   * `offline` if the user is now offline, and `online` if the user was offline before. Otherwise,
   * `status` if the user chose the new status, or `idle` if a client set it because the user is
   * inactive.
   */
  action: v.picklist(['online', 'offline', 'status', 'idle']),
  userId: UserId,
  status: Status,
})
export type PresenceChange = v.InferOutput<typeof PresenceChange>

/**
 * Published to functions when a user's status changed. If two events of a user arrive in the wrong
 * order, the event with the later `at` applies.
 */
export const presenceChanged = {
  subject: 'presence.changed.{userId}',
  data: v.object({ ...PresenceChange.entries, at: Time }),
} as const satisfies Topic

const changes = { room: RoomId, changes: v.array(PresenceChange) }

/**
 * Status changes of a public room's members, collected for a short time and broadcast to the
 * subscribers of the room.
 */
export const roomPresence = {
  subject: 'room.presence.{room}',
  data: v.object(changes),
  push: true,
} as const satisfies Topic

/**
 * Like `room.presence.{room}`, for a room that is not public or from which a user is banned.
 * Published to each online member separately. In a large room, it is instead published once,
 * encrypted, as a `RoomPush`.
 */
export const deliverPresence = {
  subject: 'deliver.{user}.presence.{room}',
  data: v.object({ ...changes, user: UserId }),
  push: true,
} as const satisfies Topic

/**
 * `typing`: tells the users who receive a room's events that the caller is typing there. For each
 * caller and each room or thread, a process publishes this at most once in 3 s.
 */
export const typing = {
  subject: 'typing.{room}',
  input: v.strictObject({ room: RoomId, threadId: v.optional(MessageId) }),
  output: empty,
  audience: ['admin', 'user'],
  description: 'Publishes that the caller is typing',
  errors: ['forbidden'],
} as const satisfies Contract

/** Broadcast to the subscribers of a public room when a user is typing. Clients show this for 5 s. */
export const roomTyping = {
  subject: 'room.typing.{room}',
  data: v.object({ room: RoomId, userId: UserId, threadId: v.optional(MessageId) }),
  push: true,
} as const satisfies Topic

/**
 * Like `room.typing.{room}`, for a room that is not public or from which a user is banned.
 * Published to each member separately, except to the typing user. In a large room, it is instead
 * published once, encrypted, as a `RoomPush`.
 */
export const deliverTyping = {
  subject: 'deliver.{user}.typing.{room}',
  data: v.object({ ...roomTyping.data.entries, user: UserId }),
  push: true,
} as const satisfies Topic
