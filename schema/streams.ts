import * as v from 'valibot'
import type { BucketDeclaration, StreamDeclaration } from '#runtime'
import { Message } from './messages/chat.ts'
import { leaseMs, Status } from './messages/presence.ts'
import { Role, RoomKind } from './messages/room.ts'

/** Window in which JetStream itself detects duplicates by message id. */
export const duplicateWindowMs = 10 * 60_000

const nanoseconds = (ms: number) => ms * 1_000_000

/**
 * The room log, from which the database is projected: `max_age` allows an outage of 30 days. Only the
 * server's disk limits its size; with `discard: new`, a full log rejects events and drops none.
 */
export const CHAT_MESSAGES = {
  stream: 'CHAT_MESSAGES',
  subjects: ['chat.*', 'chat.*.thread.*'],
  config: {
    storage: 'file',
    retention: 'limits',
    discard: 'new',
    max_age: nanoseconds(30 * 24 * 3_600_000),
    duplicate_window: nanoseconds(duplicateWindowMs),
    allow_direct: true,
    // Publishes each stored event for `fanout`, with its sequence and the previous one of its subject.
    republish: { src: 'chat.>', dest: 'log.>' },
  },
} as const satisfies StreamDeclaration

const IndexedRoom = v.object({
  kind: RoomKind,
  /** True when a user is banned: the events of a public room then go to its members only. */
  closed: v.boolean(),
})
/** Includes the room's kind, so that authorizing a call takes a single read. */
const IndexedMember = v.object({ kind: RoomKind, role: Role })

/**
 * The member index: `{room}.{user}` per member and `{room}` per room; neither for archived rooms. Rebuilt
 * from the database, which is authoritative, when its marker `=index` is missing.
 */
export const ROOMS_KV = {
  bucket: 'ROOMS_KV',
  value: v.union([IndexedMember, IndexedRoom, v.object({ builtAt: v.string() })]),
} as const satisfies BucketDeclaration

/** Cache of messages sent or changed in the last five minutes, by message id. */
export const MSG_CACHE = {
  bucket: 'MSG_CACHE',
  value: Message,
  ttlMs: 5 * 60_000,
  storage: 'memory',
} as const satisfies BucketDeclaration

/** The status of users: `{user}`. A missing entry means offline. */
export const PRESENCE = {
  bucket: 'PRESENCE',
  value: v.object({ status: Status, at: v.string() }),
} as const satisfies BucketDeclaration

/** Presence leases of connections: `{user}.{connId}`. A lease expires unless it is renewed. */
export const PRESENCE_CONN = {
  bucket: 'PRESENCE_CONN',
  value: v.object({}),
  ttlMs: leaseMs,
  markerTtlMs: 1_000,
  storage: 'memory',
} as const satisfies BucketDeclaration
