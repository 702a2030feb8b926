import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, UserId } from '../ids.ts'

/**
 * What people write: 1 to 8,000 UTF-16 units that every part of the system can keep. PostgreSQL has
 * no NUL, and half a surrogate pair is no character anywhere.
 */
export const Text = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(8_000),
  v.check((text) => !text.includes('\0'), 'Invalid text: it contains a NUL character'),
  v.check((text) => text.isWellFormed(), 'Invalid text: it contains half a surrogate pair'),
)

/** The server's clock, to the millisecond: `2026-01-31T12:00:00.000Z`. */
const Time = v.pipe(v.string(), v.isoTimestamp())

/** The place of a message in the log: within a room, a higher one was said later. */
const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const Message = v.object({
  id: MessageId,
  room: RoomId,
  seq: Seq,
  sender: UserId,
  /** What the sender's client called it, by which it knows its own messages again. */
  clientId: ClientId,
  text: v.string(),
  at: Time,
})
export type Message = v.InferOutput<typeof Message>

/**
 * `send`: say something in a room. Answered when the log has it. Sending again with the same
 * `clientId` says nothing twice, however late: the answer is that of the first time. The same
 * `clientId` for another text or room is a `conflict`.
 */
export const send = {
  subject: 'deliver.{caller}.send.{room}',
  input: v.strictObject({ room: RoomId, clientId: ClientId, text: Text }),
  output: v.object({ id: MessageId, seq: Seq, at: Time }),
  audience: ['admin', 'user'],
  description: 'Says something in a room',
  errors: ['forbidden', 'conflict'],
} as const satisfies Contract

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
 * `chat.history`: one page of a room, oldest first. The newest page unless told otherwise; then what
 * comes just before a sequence, or just after it. `more` says whether there is more that way.
 */
export const chatHistory = {
  subject: 'chat.history.{room}',
  input: v.pipe(
    v.strictObject({
      room: RoomId,
      before: v.optional(Seq),
      after: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(100)), 50),
    }),
    v.check(
      ({ before, after }) => before === undefined || after === undefined,
      'Use before or after, not both',
    ),
  ),
  output: v.object({ messages: v.array(Message), more: v.boolean() }),
  audience: ['everyone'],
  description: 'Reads what was said in a room',
  errors: ['forbidden'],
} as const satisfies Contract

/** What the log keeps of a message. Its sequence is its place in the stream. */
export const chatMessage = {
  subject: 'chat.{room}',
  data: v.omit(Message, ['seq']),
} as const satisfies Topic

/** Told to whoever is in a public room when something was said; the content is asked for. */
export const roomNotify = {
  subject: 'room.notify.{room}',
  data: v.object({ room: RoomId, notifyId: NotifyId, seq: Seq }),
  push: true,
} as const satisfies Topic

/** The same for a private room: told to each member alone. */
export const deliverNotify = {
  subject: 'deliver.{user}.notify.{room}',
  data: v.object({ user: UserId, room: RoomId, notifyId: NotifyId, seq: Seq }),
  push: true,
} as const satisfies Topic
