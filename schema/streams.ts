import * as v from 'valibot'
import type { BucketDeclaration, StreamDeclaration } from '#runtime'
import { Message } from './messages/chat.ts'
import { RoomKind } from './messages/room.ts'

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
  },
} as const satisfies StreamDeclaration

/**
 * Who belongs where, at this moment: `{room}.{user}`. The kind of the room is kept along, so that
 * one look says whether somebody may speak and how the others hear of it. The database has the truth
 * in its `members`; joining again puts back what is missing here.
 */
export const ROOMS_KV = {
  bucket: 'ROOMS_KV',
  value: v.object({ kind: RoomKind }),
} as const satisfies BucketDeclaration

/** What was said in the last five minutes, by notify id. All of it is in the log as well. */
export const MSG_CACHE = {
  bucket: 'MSG_CACHE',
  value: Message,
  ttlMs: 5 * 60_000,
  storage: 'memory',
} as const satisfies BucketDeclaration
