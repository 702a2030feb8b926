import * as v from 'valibot'
import type { Topic } from '#runtime'
import { ClientId, MessageId, NotifyId, RoomId, Seq, Time, UserId } from '../ids.ts'
import { Role } from './room.ts'

/** One sign: an emoji, however many code points it takes. */
export const Emoji = v.pipe(
  v.string(),
  v.maxLength(32),
  v.regex(/^\p{RGI_Emoji}$/v, 'Invalid emoji: give one, such as 👍'),
)

const inRoom = { room: RoomId, by: UserId, at: Time }

/** Something was said, in the room or in one of its threads. */
export const MessageSent = v.object({
  kind: v.literal('message'),
  id: MessageId,
  room: RoomId,
  /** The first message of the thread it is in. */
  threadId: v.optional(MessageId),
  /** Who said that one: they want to know. */
  threadBy: v.optional(UserId),
  sender: UserId,
  clientId: ClientId,
  text: v.string(),
  /** Whom it names. */
  mentions: v.array(UserId),
  at: Time,
})
export type MessageSent = v.InferOutput<typeof MessageSent>

/** Where a message that something is done to stands in the log. */
const Target = v.object({ notifyId: NotifyId, threadId: v.optional(MessageId) })

const Edited = v.object({
  ...inRoom,
  kind: v.literal('edit'),
  message: Target,
  text: v.string(),
  mentions: v.array(UserId),
})

/** What is deleted is erased from the log, so this says what must be known of it afterwards. */
const Deleted = v.object({
  ...inRoom,
  kind: v.literal('delete'),
  message: v.object({ ...Target.entries, sender: UserId, clientId: ClientId, at: Time }),
})

const Reacted = v.object({
  ...inRoom,
  kind: v.literal('react'),
  message: Target,
  emoji: Emoji,
  on: v.boolean(),
})

/** Somebody came, went, or is somebody else now. `by` is who did it. */
const MemberChanged = v.object({
  ...inRoom,
  kind: v.literal('member'),
  action: v.picklist(['join', 'leave', 'kick', 'role']),
  userId: UserId,
  role: v.optional(Role),
})

const RoomChanged = v.object({
  ...inRoom,
  kind: v.literal('room'),
  action: v.picklist(['create', 'archive', 'restore', 'rename']),
  name: v.optional(v.string()),
})

/** What happens in a room: each event has its place in the one order of the log. */
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

/** What the log keeps of a room. Its sequence is its place in the stream. */
export const chatRoom = { subject: 'chat.{room}', data: RoomEvent } as const satisfies Topic

/** What the log keeps of a thread. What is done to its messages is kept with the room. */
export const chatThread = {
  subject: 'chat.{room}.thread.{threadId}',
  data: v.required(MessageSent, ['threadId']),
} as const satisfies Topic

/** The same, as the server tells it again the moment it is stored: to functions alone. */
export const logRoom = { subject: 'log.{room}', data: RoomEvent } as const satisfies Topic
export const logThread = {
  subject: 'log.{room}.thread.{threadId}',
  data: chatThread.data,
} as const satisfies Topic

/** An event and its place. */
export const PlacedEvent = v.object({ seq: Seq, event: RoomEvent })
export type PlacedEvent = v.InferOutput<typeof PlacedEvent>

/**
 * What people are told of an event. Whoever knows the event `prev` has missed nothing before this
 * one. The event itself is along where it is small; what was said can be asked for by `notifyId`.
 */
const Notice = v.object({
  room: RoomId,
  seq: Seq,
  /** 0 for the first. */
  prev: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  kind: v.picklist(['message', 'edit', 'delete', 'react', 'member', 'room']),
  /** The message it is about, if it is about one. */
  notifyId: v.optional(NotifyId),
  /** The thread whose order `prev` is of; that of the room, where absent. */
  threadId: v.optional(MessageId),
  /** Who began that thread. */
  threadBy: v.optional(UserId),
  /** As the log has it: it fitted when it was read from there, and is not looked through again. */
  event: v.optional(v.custom<RoomEvent>((value) => typeof value === 'object' && value !== null)),
})
export type Notice = v.InferOutput<typeof Notice>

/** Told to all who listen to a public room. */
export const roomNotify = {
  subject: 'room.notify.{room}',
  data: Notice,
  push: true,
} as const satisfies Topic

/** The same for a room that not everybody may hear: told to each member alone. */
export const deliverNotify = {
  subject: 'deliver.{user}.notify.{room}',
  data: v.object({ ...Notice.entries, user: UserId }),
  push: true,
} as const satisfies Topic

/** Told to every process when a message is not what it was, so that none shows it from memory. */
export const messageChanged = {
  subject: 'message.changed.{id}',
  data: v.object({ id: MessageId }),
} as const satisfies Topic
