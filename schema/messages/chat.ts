import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { Emoji, PlacedEvent } from './event.ts'

/** UTF-16 units in one message; a longer text is rejected with `too_large`. */
export const maxTextLength = 8_000

/** Message text. PostgreSQL cannot store NUL, and UTF-8 cannot encode half a surrogate pair. */
export const Text = v.pipe(
  v.string(),
  v.minLength(1),
  v.check((text) => !text.includes('\0'), 'Invalid text: it contains a NUL character'),
  v.check((text) => text.isWellFormed(), 'Invalid text: it contains half a surrogate pair'),
)

/** A message with its edits and deletion applied. */
export const Message = v.object({
  id: MessageId,
  room: RoomId,
  seq: Seq,
  /** Id of the thread's first message, for a reply. */
  threadId: v.optional(MessageId),
  sender: UserId,
  /** Lets the sender's client match the message with its optimistic copy. */
  clientId: ClientId,
  /** Empty for a deleted message. */
  text: v.string(),
  mentions: v.array(UserId),
  at: Time,
  editedAt: v.optional(Time),
  deletedAt: v.optional(Time),
  /**
   * Sequence of the newest edit or the deletion. Of two copies, the one with the higher value is
   * newer.
   */
  editedSeq: v.optional(Seq),
})
export type Message = v.InferOutput<typeof Message>

/** A message of a history page, with its reactions and reply count. */
export const PagedMessage = v.object({
  ...Message.entries,
  /**
   * Reactions by emoji, in order of first use. `users` has at most 100 entries and includes the
   * caller if the caller reacted.
   */
  reactions: v.array(v.object({ emoji: v.string(), count: v.number(), users: v.array(UserId) })),
  /** Replies in the message's thread, counted up to 1,000. */
  replies: v.optional(v.object({ count: v.number(), lastSeq: Seq })),
})
export type PagedMessage = v.InferOutput<typeof PagedMessage>

const messageFields = { room: RoomId, clientId: ClientId, text: Text }
const Receipt = v.object({ id: MessageId, seq: Seq, at: Time })

/**
 * `send`: stores a message in a room and answers once it is in the log. Idempotent by `clientId`,
 * without a time limit: a repeated call returns the first result, and `conflict` if its text or
 * room differs. A rejection of a call without a reply subject is published to
 * `deliver.{user}.rejected.{room}`.
 */
export const send = {
  subject: 'deliver.{caller}.send.{room}',
  input: v.strictObject(messageFields),
  output: Receipt,
  audience: ['admin', 'user'],
  description: 'Sends a message to a room',
  errors: ['forbidden', 'conflict', 'rate_limited', 'too_large'],
} as const satisfies Contract

/** `send.thread`: like `send`, in a thread. `threadId` is the id of the thread's first message. */
export const sendThread = {
  ...send,
  subject: 'deliver.{caller}.send.{room}.thread.{threadId}',
  input: v.strictObject({ ...messageFields, threadId: MessageId }),
  description: 'Sends a message to a thread',
} as const satisfies Contract

/** Published to the sender when a message sent without a reply subject is rejected. */
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

/**
 * `msg.get`: returns the message of a notification. `forbidden` for non-members of its room, and
 * for a message that does not exist.
 */
export const msgGet = {
  subject: 'msg.get',
  input: v.strictObject({ notifyId: NotifyId }),
  output: Message,
  audience: ['everyone'],
  description: 'Returns the message of a notification',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `msg.find`: returns the sequence of a message by its id alone, as a link contains it; also of a
 * deleted message. `thread` is the first message of its thread, for a reply.
 */
export const msgFind = {
  subject: 'msg.find.{room}',
  input: v.strictObject({ room: RoomId, id: MessageId }),
  output: v.object({ seq: Seq, thread: v.optional(v.object({ id: MessageId, seq: Seq })) }),
  audience: ['everyone'],
  description: 'Returns the sequence of a message by its id',
  errors: ['forbidden', 'not_found'],
} as const satisfies Contract

/** Sequence of the event that made the change; for a repeated call, of the first one. */
const EventSeq = v.object({ seq: Seq })

/**
 * `msg.edit`: replaces the text of the caller's own message. The earlier texts remain readable by
 * `msg.versions`. Idempotent.
 */
export const msgEdit = {
  subject: 'msg.edit',
  input: v.strictObject({ notifyId: NotifyId, text: Text }),
  output: EventSeq,
  audience: ['admin', 'user'],
  description: 'Replaces the text of a message of the caller',
  errors: ['forbidden', 'too_large'],
} as const satisfies Contract

/**
 * `msg.delete`: deletes a message of the caller, or as a moderator any message of the room, and
 * erases its texts for good. Idempotent.
 */
export const msgDelete = {
  subject: 'msg.delete',
  input: v.strictObject({ notifyId: NotifyId }),
  output: EventSeq,
  audience: ['admin', 'user'],
  description: 'Deletes a message',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * `msg.react`: adds a reaction to a message, or removes it. Idempotent. `conflict` when the message
 * already has 20 other emojis.
 */
export const msgReact = {
  subject: 'msg.react',
  input: v.strictObject({ notifyId: NotifyId, emoji: Emoji, on: v.optional(v.boolean(), true) }),
  output: EventSeq,
  audience: ['admin', 'user'],
  description: 'Adds or removes a reaction',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

/**
 * `msg.versions`: returns the earlier texts of an edited message, oldest first, to its sender and
 * to moderators. Limited to the newest 1,000, and to the size of one answer.
 */
export const msgVersions = {
  subject: 'msg.versions',
  input: v.strictObject({ notifyId: NotifyId }),
  output: v.object({ versions: v.array(v.object({ text: v.string(), at: Time })) }),
  audience: ['admin', 'user'],
  description: 'Lists the earlier texts of a message',
  errors: ['forbidden'],
} as const satisfies Contract

/** Start of a page: at most one of `before`, `after` and `around`. Without any, the newest page. */
const pageRange = {
  before: v.optional(Seq),
  after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** The message with this sequence, and half a page on either side. */
  around: v.optional(Seq),
  limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(100)), 50),
}
const hasOneStart = ({
  before,
  after,
  around,
}: {
  before?: unknown
  after?: unknown
  around?: unknown
}) => [before, after, around].filter((start) => start !== undefined).length < 2
const oneStartOnly = 'Use only one of before, after and around'
const Page = v.object({
  messages: v.array(PagedMessage),
  /** True when older messages exist. A page of long messages may be shorter than its limit. */
  before: v.boolean(),
  /** True when newer messages exist. */
  after: v.boolean(),
  /** Sequence of the last event that the page includes; `chat.sync` returns the events after it. */
  asOf: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

/**
 * `chat.history`: returns one page of a room's messages, oldest first, without replies in threads.
 */
export const chatHistory = {
  subject: 'chat.history.{room}',
  input: v.pipe(
    v.strictObject({ room: RoomId, ...pageRange }),
    v.check((input) => hasOneStart(input), oneStartOnly),
  ),
  output: Page,
  audience: ['everyone'],
  description: 'Returns a page of the messages of a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** `chat.history.thread`: returns one page of a thread's replies, without the first message. */
export const chatHistoryThread = {
  ...chatHistory,
  subject: 'chat.history.{room}.thread.{threadId}',
  input: v.pipe(
    v.strictObject({ room: RoomId, threadId: MessageId, ...pageRange }),
    v.check((input) => hasOneStart(input), oneStartOnly),
  ),
  description: 'Returns a page of the replies of a thread',
} as const satisfies Contract

/**
 * `chat.sync`: returns all events of a room and its threads after a sequence, in order, and never a
 * part. `recovered: false` means that there are more than 500 events, that they exceed one answer,
 * or that the log no longer reaches back so far: read `chat.history` again.
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
  description: 'Returns the events of a room after a sequence',
  errors: ['forbidden'],
} as const satisfies Contract
