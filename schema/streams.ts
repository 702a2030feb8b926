import * as v from 'valibot'
import type { BucketDeclaration, StreamDeclaration } from '#runtime'
import { Message } from './messages/chat.ts'
import { leaseMs, Status } from './messages/presence.ts'
import { Role, RoomKind } from './messages/room.ts'

/** How long JetStream itself recognises a message that is sent again, in milliseconds. */
export const duplicateWindowMs = 10 * 60_000

const nanoseconds = (ms: number) => ms * 1_000_000

/**
 * The log: what was said, in the order in which it was said. The database is drawn from it and may
 * be away for a month before anything is lost. Space is limited by the server's disk alone, and
 * `new` means that a full log refuses what comes rather than drop what is not yet in the database.
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
    // What is stored is told to functions at once, with its sequence and the one before it.
    republish: { src: 'chat.>', dest: 'log.>' },
  },
} as const satisfies StreamDeclaration

/** The room itself: how it is told what happens in it. */
const LiveRoom = v.object({
  kind: RoomKind,
  /** Somebody was kicked, so that not everybody may hear it even if it is public. */
  closed: v.boolean(),
})
/** One of its members: the kind is here too, so that one look says whether somebody may speak. */
const LiveMember = v.object({ kind: RoomKind, role: Role })

/**
 * Who belongs where, at this moment: `{room}.{user}` for a member, `{room}` for the room itself. An
 * archived room has neither. The database has the truth; `=index` says that this has been made from it.
 */
export const ROOMS_KV = {
  bucket: 'ROOMS_KV',
  value: v.union([LiveMember, LiveRoom, v.object({ builtAt: v.string() })]),
} as const satisfies BucketDeclaration

/** What was said in the last five minutes, by notify id. All of it is in the log as well. */
export const MSG_CACHE = {
  bucket: 'MSG_CACHE',
  value: Message,
  ttlMs: 5 * 60_000,
  storage: 'memory',
} as const satisfies BucketDeclaration

/** How people are seen who are not offline: `{user}`. */
export const PRESENCE = {
  bucket: 'PRESENCE',
  value: v.object({ status: Status, at: v.string() }),
} as const satisfies BucketDeclaration

/** Which connections of whom are alive: `{user}.{connId}`. One that is not renewed ends by itself. */
export const PRESENCE_CONN = {
  bucket: 'PRESENCE_CONN',
  value: v.object({}),
  ttlMs: leaseMs,
  markerTtlMs: 1_000,
  storage: 'memory',
} as const satisfies BucketDeclaration
