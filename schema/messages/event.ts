import * as v from 'valibot'
import type { Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { Role, RoomKey } from './room.ts'

export const Emoji = v.pipe(
  v.string(),
  v.maxLength(32),
  v.regex(/^\p{RGI_Emoji}$/v, 'Invalid emoji: expected exactly one, such as 👍'),
)

/** The mentions in a text: ids of members, and names of groups (see schema/text/group-names.ts). */
export const Mentions = v.array(UserId)

/**
 * The text of a message of an app, in all languages. A placeholder such as `{{ name }}` is replaced
 * by `args.name`, or by the current display name of the user whose id is `users.name`. `{{ user }}`
 * is replaced by the display name of `by`: the user whose call has led to the message.
 */
export const Card = v.object({
  texts: v.object({ en: v.string(), de: v.string(), zh: v.string(), ar: v.string() }),
  args: v.record(v.string(), v.string()),
  by: v.optional(UserId),
  users: v.optional(v.record(v.string(), UserId)),
})
export type Card = v.InferOutput<typeof Card>

const eventFields = { room: RoomId, by: UserId, at: Time }

export const MessageSent = v.object({
  kind: v.literal('message'),
  id: MessageId,
  room: RoomId,
  threadId: v.optional(MessageId),
  /** Sender of the first message of the thread. */
  threadBy: v.optional(UserId),
  sender: UserId,
  clientId: ClientId,
  text: v.string(),
  mentions: Mentions,
  /** Present only in messages that an app has sent. `text` is then the English text of the card. */
  card: v.optional(Card),
  at: Time,
})
export type MessageSent = v.InferOutput<typeof MessageSent>

const Target = v.object({ notifyId: NotifyId, threadId: v.optional(MessageId) })

const Edited = v.object({
  ...eventFields,
  kind: v.literal('edit'),
  message: Target,
  text: v.string(),
  mentions: Mentions,
})

/**
 * The event that a message was deleted. CHAT_MESSAGES no longer has the message, so `message`
 * repeats the fields that clients still show.
 */
const Deleted = v.object({
  ...eventFields,
  kind: v.literal('delete'),
  message: v.object({ ...Target.entries, sender: UserId, clientId: ClientId, at: Time }),
})

const Reacted = v.object({
  ...eventFields,
  kind: v.literal('react'),
  message: Target,
  emoji: Emoji,
  on: v.boolean(),
})

const MemberChanged = v.object({
  ...eventFields,
  kind: v.literal('member'),
  action: v.picklist(['join', 'leave', 'kick', 'role']),
  userId: UserId,
  role: v.optional(Role),
})

const RoomChanged = v.object({
  ...eventFields,
  kind: v.literal('room'),
  action: v.picklist(['create', 'archive', 'restore', 'rename']),
  name: v.optional(v.string()),
})

export const RoomEvent = v.variant('kind', [
  MessageSent,
  Edited,
  Deleted,
  Reacted,
  MemberChanged,
  RoomChanged,
])

/**
 * The members whom `@here` mentions. Stored in CHAT_MESSAGES, but not sent to clients, who do not
 * need it.
 */
const storedOnly = { present: v.optional(v.array(UserId)) }
const StoredMessage = v.object({ ...MessageSent.entries, ...storedOnly })
const StoredEvent = v.variant('kind', [
  StoredMessage,
  v.object({ ...Edited.entries, ...storedOnly }),
  Deleted,
  Reacted,
  MemberChanged,
  RoomChanged,
])
export type StoredEvent = v.InferOutput<typeof StoredEvent>
export type RoomEvent = v.InferOutput<typeof RoomEvent>
export type RoomEventOf<Kind extends RoomEvent['kind']> = Extract<RoomEvent, { kind: Kind }>

export const chatRoom = { subject: 'chat.{room}', data: StoredEvent } as const satisfies Topic

/**
 * Subject of the messages of a thread in the stream CHAT_MESSAGES. Edits, deletions and reactions of
 * these messages have the subject `chat.{room}`.
 */
export const chatThread = {
  subject: 'chat.{room}.thread.{threadId}',
  data: v.required(StoredMessage, ['threadId']),
} as const satisfies Topic

/**
 * Subject to which the NATS server republishes an event of `chat.{room}` as soon as it is stored.
 * Only functions may subscribe to it.
 */
export const logRoom = { subject: 'log.{room}', data: RoomEvent } as const satisfies Topic
export const logThread = {
  subject: 'log.{room}.thread.{threadId}',
  data: v.required(MessageSent, ['threadId']),
} as const satisfies Topic

export const PlacedEvent = v.object({ seq: Seq, event: RoomEvent })
export type PlacedEvent = v.InferOutput<typeof PlacedEvent>

/**
 * Notification of an event. A client that has not received the event with the sequence `prev` has
 * missed an event. If the text of the event is long, `event` is absent, and clients call `msg.get`
 * with `notifyId`.
 */
const Notice = v.object({
  room: RoomId,
  seq: Seq,
  /** Sequence of the previous event with the same subject in CHAT_MESSAGES; 0 for the first event. */
  prev: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  kind: v.picklist(['message', 'edit', 'delete', 'react', 'member', 'room']),
  notifyId: v.optional(NotifyId),
  /**
   * Present only if the event is a new reply: the id of the first message of its thread. `prev` is
   * then the sequence of the previous reply in the thread, instead of the previous event of the
   * room.
   */
  threadId: v.optional(MessageId),
  threadBy: v.optional(UserId),
  /**
   * The schema does not validate the event again: the function that publishes the notification has
   * validated it when it received it from CHAT_MESSAGES.
   */
  event: v.optional(v.custom<RoomEvent>((value) => typeof value === 'object' && value !== null)),
})
export type Notice = v.InferOutput<typeof Notice>

export const roomNotify = {
  subject: 'room.notify.{room}',
  data: Notice,
  push: true,
} as const satisfies Topic

/**
 * Notification to one user. Published to each member if the room is not public, or if a user is
 * banned from it. If such a room is large, the notification is instead published once, encrypted,
 * as a `RoomPush`. Also published to a user who has just joined or left a room.
 */
export const deliverNotify = {
  subject: 'deliver.{user}.notify.{room}',
  data: v.object({
    ...Notice.entries,
    user: UserId,
    /**
     * A new key of the large room. Some seconds later, its events are no longer published to each
     * member, but once on `room.notify.{key}`, encrypted with the key.
     */
    roomKey: v.optional(RoomKey),
  }),
  push: true,
} as const satisfies Topic

/**
 * Published when a message was edited or deleted. Each process then evicts the message from its
 * cache.
 */
export const messageChanged = {
  subject: 'message.changed.{id}',
  data: v.object({ id: MessageId }),
} as const satisfies Topic
