import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { Emoji, PlacedEvent } from './event.ts'

/** So many UTF-16 units may be said at once; more is `too_large`. */
export const maxTextLength = 8_000

/**
 * What people write, as every part of the system can keep it. PostgreSQL has no NUL, and half a
 * surrogate pair is no character anywhere.
 */
export const Text = v.pipe(
  v.string(),
  v.minLength(1),
  v.check((text) => !text.includes('\0'), 'Invalid text: it contains a NUL character'),
  v.check((text) => text.isWellFormed(), 'Invalid text: it contains half a surrogate pair'),
)

/** A message as it stands now, with what became of it. */
export const Message = v.object({
  id: MessageId,
  room: RoomId,
  seq: Seq,
  /** The first message of the thread it is in. */
  threadId: v.optional(MessageId),
  sender: UserId,
  /** What the sender's client called it, by which it knows its own messages again. */
  clientId: ClientId,
  /** Empty once it is deleted. */
  text: v.string(),
  mentions: v.array(UserId),
  at: Time,
  editedAt: v.optional(Time),
  deletedAt: v.optional(Time),
  /** Its newest edit, or its deletion: of two states of a message the higher one is the newer. */
  editedSeq: v.optional(Seq),
})
export type Message = v.InferOutput<typeof Message>

/** A message of a page, with what others did to it. */
export const PagedMessage = v.object({
  ...Message.entries,
  /**
   * Who reacted with what, in the order in which each was first used: how many, and the first 100 by
   * name, with the caller always among them.
   */
  reactions: v.array(v.object({ emoji: v.string(), count: v.number(), users: v.array(UserId) })),
  /** What was said in its thread: 1,000 for more. */
  replies: v.optional(v.object({ count: v.number(), lastSeq: Seq })),
})
export type PagedMessage = v.InferOutput<typeof PagedMessage>

const said = { room: RoomId, clientId: ClientId, text: Text }
const Receipt = v.object({ id: MessageId, seq: Seq, at: Time })

/**
 * `send`: say something in a room. Answered when the log has it. Sending again with the same
 * `clientId` says nothing twice, however late: the answer is that of the first time. The same
 * `clientId` for another text or room is a `conflict`. Sent without a reply, a refusal goes to
 * `deliver.{user}.rejected.{room}`.
 */
export const send = {
  subject: 'deliver.{caller}.send.{room}',
  input: v.strictObject(said),
  output: Receipt,
  audience: ['admin', 'user'],
  description: 'Says something in a room',
  errors: ['forbidden', 'conflict', 'rate_limited', 'too_large'],
} as const satisfies Contract

/** `send.thread`: the same in a thread of the room. A thread is named after its first message. */
export const sendThread = {
  ...send,
  subject: 'deliver.{caller}.send.{room}.thread.{threadId}',
  input: v.strictObject({ ...said, threadId: MessageId }),
  description: 'Says something in a thread',
} as const satisfies Contract

/** Told to a sender who did not ask for an answer, when what they sent was refused. */
export const deliverRejected = {
  subject: 'deliver.{user}.rejected.{room}',
  data: v.object({
    user: UserId,
    room: RoomId,
    clientId: v.optional(ClientId),
    code: v.string(),
    message: v.string(),
    retryAfterMs: v.optional(v.number()),
  }),
  push: true,
} as const satisfies Topic

/** `msg.get`: the message that a notification announced, for those who belong to its room. */
export const msgGet = {
  subject: 'msg.get',
  input: v.strictObject({ notifyId: NotifyId }),
  output: Message,
  audience: ['everyone'],
  description: 'Reads the message of a notification',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `msg.find`: where a message of a room stands, by its id alone, as a link to it has it. `thread` is the
 * message that began its thread, where it is in one. What is deleted has its place still.
 */
export const msgFind = {
  subject: 'msg.find.{room}',
  input: v.strictObject({ room: RoomId, id: MessageId }),
  output: v.object({ seq: Seq, thread: v.optional(v.object({ id: MessageId, seq: Seq })) }),
  audience: ['everyone'],
  description: 'Finds the place of a message in its room',
  errors: ['forbidden', 'not_found'],
} as const satisfies Contract

/** The event that made it so; for what had been so before, the one that did so then. */
const Done = v.object({ seq: Seq })

/** `msg.edit`: replace what the caller said. What it said before is kept, for moderators. */
export const msgEdit = {
  subject: 'msg.edit',
  input: v.strictObject({ notifyId: NotifyId, text: Text }),
  output: Done,
  audience: ['admin', 'user'],
  description: 'Replaces the text of a message of the caller',
  errors: ['forbidden', 'too_large'],
} as const satisfies Contract

/** `msg.delete`: take back what the caller said, or as a moderator what anybody said. For good. */
export const msgDelete = {
  subject: 'msg.delete',
  input: v.strictObject({ notifyId: NotifyId }),
  output: Done,
  audience: ['admin', 'user'],
  description: 'Deletes a message for good',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `msg.react`: put an emoji to a message, or take it away. Doing so twice is doing it once. A message
 * takes 20 different ones: `conflict` for another.
 */
export const msgReact = {
  subject: 'msg.react',
  input: v.strictObject({ notifyId: NotifyId, emoji: Emoji, on: v.optional(v.boolean(), true) }),
  output: Done,
  audience: ['admin', 'user'],
  description: 'Puts an emoji to a message, or takes it away',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `msg.versions`: what a message said before it was edited, oldest first; for moderators and its sender.
 * Of very many, or very long ones, the newest: 1,000 at most, and what fits into one answer.
 */
export const msgVersions = {
  subject: 'msg.versions',
  input: v.strictObject({ notifyId: NotifyId }),
  output: v.object({ versions: v.array(v.object({ text: v.string(), at: Time })) }),
  audience: ['admin', 'user'],
  description: 'Reads what a message said before',
  errors: ['forbidden'],
} as const satisfies Contract

/** At most one of these says where a page begins; without any, it is the newest. */
const place = {
  before: v.optional(Seq),
  after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** Half a page on either side of this one, and it. */
  around: v.optional(Seq),
  limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(100)), 50),
}
const hasOnePlace = ({
  before,
  after,
  around,
}: {
  before?: unknown
  after?: unknown
  around?: unknown
}) => [before, after, around].filter((it) => it !== undefined).length < 2
const twoPlaces = 'Use before, after or around, not two of them'
const Page = v.object({
  messages: v.array(PagedMessage),
  /** Whether there are older ones, and newer ones. A page of long ones ends before its limit. */
  before: v.boolean(),
  after: v.boolean(),
  /** The last event that the page takes into account: what comes later is for `chat.sync`. */
  asOf: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

/**
 * `chat.history`: one page of a room, oldest first, without what was said in threads. The newest page
 * unless told otherwise.
 */
export const chatHistory = {
  subject: 'chat.history.{room}',
  input: v.pipe(
    v.strictObject({ room: RoomId, ...place }),
    v.check((input) => hasOnePlace(input), twoPlaces),
  ),
  output: Page,
  audience: ['everyone'],
  description: 'Reads what was said in a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `chat.history.thread`: one page of a thread, the message it began with not among them. */
export const chatHistoryThread = {
  ...chatHistory,
  subject: 'chat.history.{room}.thread.{threadId}',
  input: v.pipe(
    v.strictObject({ room: RoomId, threadId: MessageId, ...place }),
    v.check((input) => hasOnePlace(input), twoPlaces),
  ),
  description: 'Reads what was said in a thread',
} as const satisfies Contract

/**
 * `chat.sync`: all that happened in a room and its threads after a sequence, in order. Either all of
 * it, or `recovered: false` and nothing: then read the history anew. Never a part. Nothing where it is
 * more than 500 events, or more than fits into one answer.
 */
export const chatSync = {
  subject: 'chat.sync.{room}',
  input: v.strictObject({
    room: RoomId,
    since: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  }),
  output: v.variant('recovered', [
    v.object({ recovered: v.literal(true), events: v.array(PlacedEvent) }),
    v.object({ recovered: v.literal(false) }),
  ]),
  audience: ['everyone'],
  description: 'Reads what happened in a room since',
  errors: ['forbidden'],
} as const satisfies Contract
