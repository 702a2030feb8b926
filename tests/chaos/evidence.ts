import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import type { RoomKind } from '#schema/messages/room'

/** What was found after a run: all that the verdict is made of. Times are in ms since the epoch. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  /** What the log holds, in its order, and when it took it. */
  log: Logged[]
  rows: Row[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  /** Texts that are kept of messages which were edited. */
  versions: { messageId: MessageId; text: string }[]
  heads: { room: RoomId; seq: number }[]
  /** What the live index should have by the database, and what it has: key and value. */
  members: Map<string, string>
  index: Map<string, string>
  /** `{room}.{user}` for everybody in the database, in archived rooms too. */
  belonging: ReadonlySet<string>
  acks: Ack[]
  changes: AckedChange[]
  moves: Move[]
  closings: Closing[]
  readMarks: ReadMark[]
  /** Everything that came over somebody's connection. */
  frames: Frame[]
  /** When a process was stopped in its tracks, and what it was about to do was late. */
  pauses: { start: number; end: number }[]
  /** What each member has put together of a room, from what they heard and asked for. */
  views: { user: UserId; room: RoomId; messages: ReadonlyMap<MessageId, Shown>; odd: string[] }[]
  /** What `room.list` says to each. */
  counts: Count[]
  /** What was asked when nothing failed any more, and was not answered. */
  calm: string[]
  /** How processes ended that nobody had ended, and answers that nobody should get. */
  crashes: string[]
  deadLetters: string[]
}

export interface Logged extends PlacedEvent {
  at: number
}

export interface Row {
  id: MessageId
  room: RoomId
  seq: number
  threadId: MessageId | ''
  sender: UserId
  clientId: ClientId
  text: string
  mentions: readonly UserId[]
  isDeleted: boolean
}

/** A message that the server has acknowledged. */
export interface Ack {
  user: UserId
  room: RoomId
  clientId: ClientId
  text: string
  id: MessageId
  seq: number
}

/** The same for what was done to one. */
export interface AckedChange {
  kind: 'edit' | 'delete' | 'react'
  user: UserId
  room: RoomId
  id: MessageId
  seq: number
  /** When it was acknowledged. */
  at: number
  text?: string
  emoji?: string
  on?: boolean
}

/** Something that takes its time, and has happened for certain, or perhaps. */
export interface Deed {
  start: number
  /** When it was answered; long after, where it was not. */
  end: number
  isSure: boolean
}

/** Somebody came to belong to a room, or ceased to. */
export interface Move extends Deed {
  user: UserId
  room: RoomId
  way: 'in' | 'out'
  /** They may not come back by themselves: a public room is closed to them. */
  isKick?: boolean
}

/** A room was archived, or brought back. */
export interface Closing extends Deed {
  room: RoomId
  way: 'in' | 'out'
}

/** Somebody said how far they have read. */
export interface ReadMark extends Deed {
  user: UserId
  room: RoomId
  /** As it was answered, or as it was asked where there was no answer. */
  seq: number
}

/** Something that came over a connection. */
export interface Frame {
  user: UserId
  at: number
  subject: string
  /** When it was asked for; undefined for what was pushed. */
  askedAt?: number | undefined
  /** The room it is about, where its subject says so. */
  room?: RoomId | undefined
  /** For what is told of the log. */
  notice?: Notice
  /** The texts in it: each has a number and says where it was written. */
  said: { count: number; room: RoomId }[]
}

/** A message as somebody sees it. */
export interface Shown {
  seq: number
  threadId: MessageId | ''
  text: string
  isDeleted: boolean
  /** `{user} {emoji}` of those who have one on it. */
  reactions: ReadonlySet<string>
}

export interface Count {
  user: UserId
  room: RoomId
  lastSeq: number
  readSeq: number
  unread: number
  mentions: number
}

/** The order that an event's `prev` is of: that of the room, or of one of its threads. */
export function chainOf(event: RoomEvent): string {
  const thread = event.kind === 'message' ? (event.threadId ?? '') : ''
  return `${event.room} ${thread}`
}
