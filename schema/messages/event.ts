import * as v from 'valibot'
import type { Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { Role } from './room.ts'

/** One emoji, of any number of code points. */
export const Emoji = v.pipe(
  v.string(),
  v.maxLength(32),
  v.regex(/^\p{RGI_Emoji}$/v, 'Invalid emoji: expected exactly one, such as 👍'),
)

const eventFields = { room: RoomId, by: UserId, at: Time }

/** A message was sent, in the room or in a thread. */
export const MessageSent = v.object({
  kind: v.literal('message'),
  id: MessageId,
  room: RoomId,
  /** Id of the thread's first message, for a reply. */
  threadId: v.optional(MessageId),
  /** Sender of the thread's first message, whom clients notify of a reply. */
  threadBy: v.optional(UserId),
  sender: UserId,
  clientId: ClientId,
  text: v.string(),
  mentions: v.array(UserId),
  at: Time,
})
export type MessageSent = v.InferOutput<typeof MessageSent>

/** The message that an event changes. */
const Target = v.object({ notifyId: NotifyId, threadId: v.optional(MessageId) })

const Edited = v.object({
  ...eventFields,
  kind: v.literal('edit'),
  message: Target,
  text: v.string(),
  mentions: v.array(UserId),
})

/** The deleted message is erased from the log, so the event contains what must outlive it. */
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

/** A membership changed. `by` is the user who changed it. */
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

/** An event of a room. The log's sequence orders all events of a room and its threads. */
export const RoomEvent = v.variant('kind', [
  MessageSent,
  Edited,
  Deleted,
  Reacted,
  MemberChanged,
  RoomChanged,
])
export type RoomEvent = v.InferOutput<typeof RoomEvent>
export type RoomEventOf<Kind extends RoomEvent['kind']> = Extract<RoomEvent, { kind: Kind }>

/** Log subject of a room's events, and of its messages outside threads. */
export const chatRoom = { subject: 'chat.{room}', data: RoomEvent } as const satisfies Topic

/** Log subject of a thread's messages. Events that change them are stored with the room. */
export const chatThread = {
  subject: 'chat.{room}.thread.{threadId}',
  data: v.required(MessageSent, ['threadId']),
} as const satisfies Topic

/** Republished by the server as soon as an event is stored; for functions only. */
export const logRoom = { subject: 'log.{room}', data: RoomEvent } as const satisfies Topic
export const logThread = {
  subject: 'log.{room}.thread.{threadId}',
  data: chatThread.data,
} as const satisfies Topic

/** An event and its sequence in the log. */
export const PlacedEvent = v.object({ seq: Seq, event: RoomEvent })
export type PlacedEvent = v.InferOutput<typeof PlacedEvent>

/**
 * Notification of an event. A client that has seen `prev` has missed nothing before it. Small
 * events are included; a longer message is fetched by `msg.get` with `notifyId`.
 */
const Notice = v.object({
  room: RoomId,
  seq: Seq,
  /** Sequence of the previous event on the same log subject; 0 for the first. */
  prev: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  kind: v.picklist(['message', 'edit', 'delete', 'react', 'member', 'room']),
  /** The message that was sent or changed. */
  notifyId: v.optional(NotifyId),
  /** The thread that `prev` refers to; without it, `prev` refers to the room. */
  threadId: v.optional(MessageId),
  /** Sender of the thread's first message. */
  threadBy: v.optional(UserId),
  /** Already validated when it was read from the log, so it is not validated again. */
  event: v.optional(v.custom<RoomEvent>((value) => typeof value === 'object' && value !== null)),
})
export type Notice = v.InferOutput<typeof Notice>

/** Broadcast to the subscribers of a public room. */
export const roomNotify = {
  subject: 'room.notify.{room}',
  data: Notice,
  push: true,
} as const satisfies Topic

/** Published to each member of a room that is not public, or from which a user was banned. */
export const deliverNotify = {
  subject: 'deliver.{user}.notify.{room}',
  data: v.object({ ...Notice.entries, user: UserId }),
  push: true,
} as const satisfies Topic

/** Published to every process when a message changed, to evict it from their caches. */
export const messageChanged = {
  subject: 'message.changed.{id}',
  data: v.object({ id: MessageId }),
} as const satisfies Topic
