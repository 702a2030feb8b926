import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { StorableText } from '../storable-text.ts'
import { Card, Emoji, Mentions, PlacedEvent } from './event.ts'

/** Maximum length of a message's text, in UTF-16 code units (like `length` of a string). */
export const maxTextLength = 8_000

export const Text = v.pipe(StorableText, v.minLength(1))

/** The current state of a message, with its edits or its deletion applied. */
export const Message = v.object({
  id: MessageId,
  room: RoomId,
  seq: Seq,
  /** For a reply, the id of the first message of its thread. */
  threadId: v.optional(MessageId),
  sender: UserId,
  clientId: ClientId,
  /** Empty for a deleted message. */
  text: v.string(),
  mentions: Mentions,
  /** Present only in messages that an app has sent, unless they are deleted. */
  card: v.optional(Card),
  at: Time,
  editedAt: v.optional(Time),
  deletedAt: v.optional(Time),
  /** Sequence of the newest event that edited the message, or of the event that deleted it. */
  editedSeq: v.optional(Seq),
})
export type Message = v.InferOutput<typeof Message>

export const PagedMessage = v.object({
  ...Message.entries,
  /**
   * One entry for each emoji, in the order in which the emojis were first used. `users` has at most
   * 100 of the users who reacted with the emoji. If the caller is one of them, `users` always
   * includes the caller.
   */
  reactions: v.array(v.object({ emoji: v.string(), count: v.number(), users: v.array(UserId) })),
  replies: v.optional(
    v.object({
      /** Number of replies that are not deleted, among the newest 1,000 replies. */
      count: v.number(),
      /** Sequence of the newest reply, even if it is deleted. */
      lastSeq: Seq,
      lastAt: v.optional(Time),
      /**
       * Up to three senders among the newest 20 replies. The sender of the newest reply comes
       * first.
       */
      users: v.array(UserId),
      /**
       * Sequences of replies that were deleted by an event after the page's `asOf`. `count` already
       * excludes these replies. A client receives their deletion events later, and must then not
       * subtract them again.
       */
      deleted: v.optional(v.array(Seq)),
    }),
  ),
})
export type PagedMessage = v.InferOutput<typeof PagedMessage>

const messageFields = { room: RoomId, clientId: ClientId, text: Text }
const Receipt = v.object({ id: MessageId, seq: Seq, at: Time })

/**
 * `send`: sends a message to a room, and responds when the stream CHAT_MESSAGES has stored it.
 * Idempotent by `clientId`: a repeated call returns the result of the first call, or `conflict` if
 * its text or room differs. If a call without a reply subject is rejected, the rejection is
 * published to `deliver.{user}.rejected.{room}`.
 */
export const send = {
  subject: 'deliver.{caller}.send.{room}',
  input: v.strictObject(messageFields),
  output: Receipt,
  audience: ['admin', 'user'],
  description: 'Sends a message to a room',
  errors: ['forbidden', 'conflict', 'rate_limited', 'too_large'],
} as const satisfies Contract

export const sendThread = {
  ...send,
  subject: 'deliver.{caller}.send.{room}.thread.{threadId}',
  input: v.strictObject({ ...messageFields, threadId: MessageId }),
  description: 'Sends a message to a thread',
} as const satisfies Contract

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
 * `msg.get`: returns the message that a notification refers to. Returns `forbidden` if the message
 * does not exist, or if the caller may not read its room.
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
 * `msg.find`: returns the sequence of a message, even of a deleted one, by its id. For a reply,
 * `thread` is the first message of its thread.
 */
export const msgFind = {
  subject: 'msg.find.{room}',
  input: v.strictObject({ room: RoomId, id: MessageId }),
  output: v.object({ seq: Seq, thread: v.optional(v.object({ id: MessageId, seq: Seq })) }),
  audience: ['everyone'],
  description: 'Returns the sequence of a message by its id',
  errors: ['forbidden', 'not_found'],
} as const satisfies Contract

/**
 * `seq` is the sequence of the event that changed the message. A repeated call returns the same
 * sequence.
 */
const EventSeq = v.object({ seq: Seq })

export const msgEdit = {
  subject: 'msg.edit',
  input: v.strictObject({ notifyId: NotifyId, text: Text }),
  output: EventSeq,
  audience: ['admin', 'user'],
  description: 'Replaces the text of a message of the caller',
  errors: ['forbidden', 'too_large'],
} as const satisfies Contract

/**
 * `msg.delete`: deletes a message and erases all its texts permanently. Moderators and owners of a
 * room may delete any message in it, other members only their own. Idempotent.
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
 * `msg.react`: adds a reaction to a message or, if `on` is false, removes it. Idempotent. Returns
 * `conflict` if the message already has reactions with 20 other emojis.
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
 * `msg.versions`: returns the earlier texts of an edited message, oldest first. Only the sender of
 * the message and the moderators and owners of its room may call it. Returns at most the newest
 * 1,000 texts, or fewer if they would exceed the size of a response.
 */
export const msgVersions = {
  subject: 'msg.versions',
  input: v.strictObject({ notifyId: NotifyId }),
  output: v.object({ versions: v.array(v.object({ text: v.string(), at: Time })) }),
  audience: ['admin', 'user'],
  description: 'Lists the earlier texts of a message',
  errors: ['forbidden'],
} as const satisfies Contract

/**
 * Selects a page of the history. If `before`, `after` and `around` are missing, selects the newest
 * page.
 */
const pageRange = {
  before: v.optional(Seq),
  after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
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
  /**
   * True if there are older messages. The number of messages does not show this: a page of long
   * messages may have fewer than `limit`.
   */
  before: v.boolean(),
  after: v.boolean(),
  /** Sequence of the last event that this page includes; `chat.sync` returns the later events. */
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

/**
 * `chat.history.thread`: returns one page of the replies in a thread, oldest first, without the
 * thread's first message.
 */
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
 * `chat.sync`: returns all events of a room and its threads after the sequence `since`, in order.
 * Returns `recovered: false` if there are more than 500 events, if they exceed the size of a
 * response, or if some of them have expired in CHAT_MESSAGES. The client then calls `chat.history`
 * instead.
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
