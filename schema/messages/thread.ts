import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { MessageId, RoomId, Seq, UserId } from '../ids.ts'
import { readUpdate } from './room.ts'

const SeqOrNone = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

export const FollowedThread = v.object({
  room: RoomId,
  threadId: MessageId,
  readSeq: SeqOrNone,
  lastSeq: SeqOrNone,
  /** Number of unread replies of other users, at most 100. */
  unread: v.number(),
  mentions: v.number(),
})
export type FollowedThread = v.InferOutput<typeof FollowedThread>

/**
 * `thread.list`: returns the threads that the caller follows, at most the 500 with the newest
 * replies. A user follows a thread that they started, replied in or were mentioned in.
 */
export const threadList = {
  subject: 'thread.list',
  input: v.strictObject({}),
  output: v.object({ threads: v.array(FollowedThread) }),
  audience: ['everyone'],
  description: 'Lists the threads that the caller follows',
} as const satisfies Contract

/**
 * `read.update.thread`: sets the caller's read position in a thread to `seq`, or to the room's
 * newest event if `seq` is higher. Returns the unread counts of the room, which include the events
 * up to the sequence `asOf`.
 */
export const readUpdateThread = {
  subject: 'read.update.{room}.thread.{threadId}',
  input: v.strictObject({ room: RoomId, threadId: MessageId, seq: SeqOrNone }),
  output: v.object({ ...readUpdate.output.entries, threadSeq: SeqOrNone }),
  audience: ['everyone'],
  description: 'Sets the read position of the caller in a thread',
  errors: ['forbidden'],
} as const satisfies Contract

export const deliverReadThread = {
  subject: 'deliver.{user}.read.{room}.thread.{threadId}',
  data: v.object({
    user: UserId,
    room: RoomId,
    threadId: MessageId,
    ...readUpdateThread.output.entries,
  }),
  push: true,
} as const satisfies Topic

export const UnreadMention = v.object({
  id: MessageId,
  seq: Seq,
  threadId: v.optional(MessageId),
})
export type UnreadMention = v.InferOutput<typeof UnreadMention>

export const mentionFind = {
  subject: 'mention.find.{room}',
  input: v.strictObject({ room: RoomId }),
  output: v.object({ mention: v.optional(UnreadMention) }),
  audience: ['everyone'],
  description: 'Returns the oldest unread mention in a room',
  errors: ['forbidden'],
} as const satisfies Contract
