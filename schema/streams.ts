import * as v from 'valibot'
import type { BucketDeclaration, StreamDeclaration } from '#runtime'
import { UserId } from './ids.ts'
import { Message } from './messages/chat.ts'
import { Status } from './messages/presence.ts'
import { Role, RoomKey, RoomKind } from './messages/room.ts'
import { EngineStates } from './messages/translate.ts'

/**
 * Within this time, JetStream drops an event that has the same `Nats-Msg-Id` as an earlier event.
 */
export const duplicateWindowMs = 10 * 60_000

const nanoseconds = (ms: number) => ms * 1_000_000

/**
 * The stream of the events of all rooms. The function `persist` writes the events to the tables in
 * schema/tables/message.ts. Events are kept for 30 days, so that none is lost in a database outage
 * of up to 30 days. A full stream rejects new events and keeps the old ones. If the stream is split
 * into partitions, all events of a room are in the same partition.
 */
export const CHAT_MESSAGES = {
  stream: 'CHAT_MESSAGES',
  subjects: ['chat.*', 'chat.*.thread.*'],
  partitioned: true,
  config: {
    storage: 'file',
    retention: 'limits',
    discard: 'new',
    max_age: nanoseconds(30 * 24 * 3_600_000),
    duplicate_window: nanoseconds(duplicateWindowMs),
    allow_direct: true,
    // The NATS server republishes each stored event for the function `fanout`. The headers of the
    // republished message contain the sequence of the event, and the sequence of the previous event
    // with the same subject.
    republish: { src: 'chat.>', dest: 'log.>' },
  },
} as const satisfies StreamDeclaration

const IndexedRoom = v.object({
  kind: RoomKind,
  /**
   * True if at least one user is banned from the room. The events of a public room are then published
   * to its members instead of to all subscribers.
   */
  closed: v.boolean(),
})
/**
 * Entry of a member in ROOMS_KV. Contains the kind of the room, so that one read authorizes a call.
 */
const IndexedMember = v.object({ kind: RoomKind, role: Role })

/**
 * The encryption key of a large room. `announcedAt` is the time at which the key was published to
 * all members.
 */
const StoredKey = v.object({ ...RoomKey.entries, announcedAt: v.optional(v.string()) })

/**
 * The member index, a copy of the rooms and memberships in the database. Has an entry
 * `{room}.{user}` for each member and an entry `{room}` for each room, except archived rooms. The
 * entry `=index` says that a partition of the member index is complete. If any partition lacks this
 * entry, the whole member index is reconciled with the database. The entries `=key.room.{room}` are
 * the encryption keys of large rooms, which the database does not have.
 */
export const ROOMS_KV = {
  bucket: 'ROOMS_KV',
  partitioned: true,
  value: v.union([IndexedMember, IndexedRoom, StoredKey, v.object({ builtAt: v.string() })]),
} as const satisfies BucketDeclaration

/**
 * Caches messages for five minutes, by message id. Contains new messages that are too long for
 * their notification, and messages that were edited or deleted.
 */
export const MSG_CACHE = {
  bucket: 'MSG_CACHE',
  value: Message,
  ttlMs: 5 * 60_000,
  maxBytes: 64 * 1_024 * 1_024,
  storage: 'memory',
} as const satisfies BucketDeclaration

/**
 * Has an entry for each deactivated user, by user id. A copy of the table `deactivations`, so that logins are
 * rejected while the database is unavailable.
 */
export const DEACTIVATED_USERS = {
  bucket: 'DEACTIVATED_USERS',
  value: v.object({ at: v.string() }),
} as const satisfies BucketDeclaration

/**
 * The revocations of access tokens. `{identity token}` is a hash of the issuer and the subject of a
 * user (schema/identity.ts). The key of an entry says what the entry means:
 * - `session.{hash}`: all tokens of this session are revoked, because the session has ended.
 * - `subject.{identity token}`: all tokens of this user that were issued up to `until` are revoked.
 *   `until` is in seconds, by the identity provider's clock.
 * - `without-session.{identity token}`: like `subject`, but only for tokens that belong to no
 *   session.
 * - `user.{user id}`: all sessions of this user were last revoked at `until`, in milliseconds.
 * - `logout.{user id}`: one session of this user was last revoked at `until`, in milliseconds.
 * - `used.{hash}`: the logout token or event of the identity provider whose id has this hash has been
 *   processed, and must not be processed a second time.
 * - `events`: `until` is the time of the newest event of the identity provider that has been read.
 *
 * An entry is kept for 25 hours. An access token is valid for at most a day, so no revoked token
 * becomes valid again.
 */
export const REVOKED_TOKENS = {
  bucket: 'REVOKED_TOKENS',
  value: v.object({ until: v.number() }),
  ttlMs: 25 * 3_600_000,
} as const satisfies BucketDeclaration

/**
 * The status of each user, by user id. A user without an entry is offline. The entry of an offline user
 * expires.
 */
export const PRESENCE = {
  bucket: 'PRESENCE',
  value: v.object({ status: Status, at: v.string() }),
  entryTtl: true,
} as const satisfies BucketDeclaration

const Lease = v.object({
  /**
   * An `open` lease lasts as long as its connection. A `beating` lease expires without heartbeats.
   * The connection of a `closing` lease has ended, and the lease expires soon. An entry with the
   * state `closed` is no lease: it prevents a late heartbeat from creating a lease for a closed
   * connection. The state is absent if a process of an earlier version has stored the lease.
   */
  state: v.optional(v.picklist(['open', 'beating', 'closing', 'closed'])),
})

const Sweep = v.object({
  /**
   * `at` is the time at which `presence.sweep` last ran. `reconcileAt` is the time of the next run
   * that compares all leases with the connections. Both are in milliseconds since the epoch.
   */
  at: v.number(),
  reconcileAt: v.number(),
  /** The time of the last response of each nats-server, by its id. */
  servers: v.record(v.string(), v.number()),
})

/**
 * The presence leases of connections, with the keys `{user}.{connId}`. The entry `=sweep` is the
 * state of the function `presence.sweep`.
 */
export const PRESENCE_CONN = {
  bucket: 'PRESENCE_CONN',
  value: v.union([Sweep, Lease]),
  // When a lease expires, the bucket stores a marker, and keeps it for this time. This is enough for
  // consumers to receive the marker even if the stream gets a new leader meanwhile, or another process
  // takes over the consumer.
  markerTtlMs: 60_000,
  storage: 'memory',
} as const satisfies BucketDeclaration

/**
 * The events that nats-servers publish when connections of users were closed. The function
 * `connection.closed` handles them.
 */
export const CONNECTIONS = {
  stream: 'CONNECTIONS',
  subjects: ['connection.closed'],
  config: {
    storage: 'memory',
    max_age: nanoseconds(10 * 60_000),
    max_bytes: 64 * 1_024 * 1_024,
    discard: 'old',
    allow_direct: true,
  },
} as const satisfies StreamDeclaration

/**
 * Maps identities (issuer and subject) to user ids. The entry `subject.{identity token}` has the
 * user id of an identity, and the entry `id.{user}` has the identity of a user id. The database has a
 * copy, but logins read this bucket, so that they do not need the database.
 */
export const USER_IDS = {
  bucket: 'USER_IDS',
  value: v.union([
    v.object({ userId: UserId }),
    v.object({ issuer: v.string(), subject: v.string() }),
    v.object({ readAt: v.string() }),
  ]),
} as const satisfies BucketDeclaration

/**
 * The result of the last probe of the translation engines. It expires if no process probes them any
 * more.
 */
export const TRANSLATE = {
  bucket: 'TRANSLATE',
  value: EngineStates,
  ttlMs: 90_000,
  storage: 'memory',
} as const satisfies BucketDeclaration

/**
 * Translations of messages, with the keys `{message id}.{hash}`. The hash is that of the text, the
 * target language, the engine and the model. When a message is deleted, its translations are
 * erased.
 */
export const TRANSLATE_CACHE = {
  bucket: 'TRANSLATE_CACHE',
  value: v.object({ translatedText: v.string(), from: v.optional(v.string()) }),
  ttlMs: 24 * 3_600_000,
  maxBytes: 64 * 1_024 * 1_024,
  storage: 'memory',
} as const satisfies BucketDeclaration

/**
 * A lease for each running translation of a message. It has the key that the translation will have
 * in TRANSLATE_CACHE. If a process dies, its leases expire.
 */
export const TRANSLATE_RUNS = {
  bucket: 'TRANSLATE_RUNS',
  value: v.object({}),
  ttlMs: 10_000,
  storage: 'memory',
} as const satisfies BucketDeclaration
