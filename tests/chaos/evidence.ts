import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, Placed } from '#schema/messages/log'
import type { RoomKind } from '#schema/messages/room'

/** What was found after a run: all that the verdict is made of. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  /** What the log holds, in its order. */
  log: Placed[]
  rows: Row[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  /** Who belongs where: by the database, and by the live index. `{room}.{user}`. */
  members: string[]
  index: string[]
  acks: Ack[]
  moves: Move[]
  /** Everything about a room that came to somebody without being asked for. */
  frames: Frame[]
  /** What somebody read by asking, and when they began to ask. */
  reads: { user: UserId; room: RoomId; at: number; by: string }[]
  /** What each member has put together of a room, from what they heard and asked for. */
  views: { user: UserId; room: RoomId; messages: Map<MessageId, Shown> }[]
  /** What `room.list` says to each. */
  counts: { user: UserId; room: RoomId; readSeq: number; unread: number; mentions: number }[]
  deadLetters: number
}

export interface Row {
  id: MessageId
  room: RoomId
  seq: number
  threadId: MessageId | ''
  sender: UserId
  clientId: ClientId
  text: string
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

/** Somebody came to belong to a room, or ceased to. Times are in milliseconds since the epoch. */
export interface Move {
  user: UserId
  room: RoomId
  way: 'in' | 'out'
  /** They may not come back by themselves: a public room is closed to them. */
  isKick?: boolean
  start: number
  end: number
  /** Whether the server has confirmed it. It may have happened if not. */
  isSure: boolean
}

export interface Frame {
  user: UserId
  room: RoomId
  at: number
  subject: string
  /** For what is told of the log. */
  notice?: Notice
}

export interface Shown {
  text: string
  isDeleted: boolean
}
