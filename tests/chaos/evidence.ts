import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import type { RoomKind } from '#schema/messages/room'

/** The observations of a run that the checks compare. Times are in ms since the Unix epoch. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  log: LogEntry[]
  rows: PersistedMessage[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  versions: { messageId: MessageId; text: string }[]
  heads: { room: RoomId; seq: number }[]
  /** The entries that the member index should have according to the database. */
  expectedIndex: Map<string, string>
  index: Map<string, string>
  /** A key `{room}.{user}` for each membership, even of archived rooms. */
  storedMembers: ReadonlySet<string>
  acks: AcknowledgedMessage[]
  changes: AcknowledgedChange[]
  membershipOperations: MembershipOperation[]
  unbanOperations: UnbanOperation[]
  archiveOperations: ArchiveOperation[]
  readOperations: ReadOperation[]
  frames: Frame[]
  /** Pauses of runtimes and nats-servers. A pause may delay events by its length. */
  pauses: { start: number; end: number }[]
  views: UserView[]
  counts: RoomCounts[]
  /** Calls that failed after the last fault, except intended rejections. */
  failedAfterFaults: string[]
  /** Unexpected exits of processes, and calls that failed with `internal`. */
  crashes: string[]
  deadLetters: string[]
}

export interface LogEntry extends PlacedEvent {
  at: number
}

export interface PersistedMessage {
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

export interface AcknowledgedMessage {
  user: UserId
  room: RoomId
  clientId: ClientId
  text: string
  id: MessageId
  seq: number
}

export interface AcknowledgedChange {
  kind: 'edit' | 'delete' | 'react'
  user: UserId
  room: RoomId
  id: MessageId
  seq: number
  at: number
  text?: string
  emoji?: string
  on?: boolean
}

/** An operation that took effect, or may have taken effect, between `start` and `end`. */
export interface TimedOperation {
  start: number
  /** Time of the acknowledgement. Without one, the last time at which the call can take effect. */
  end: number
  isAcknowledged: boolean
}

export interface MembershipOperation extends TimedOperation {
  user: UserId
  room: RoomId
  action: 'join' | 'leave'
  /** A user who left can still read a public room; a kicked user cannot. */
  isKick?: boolean
}

export interface UnbanOperation extends TimedOperation {
  user: UserId
  room: RoomId
}

export interface ArchiveOperation extends TimedOperation {
  room: RoomId
  action: 'archive' | 'restore'
}

export interface ReadOperation extends TimedOperation {
  user: UserId
  room: RoomId
  /**
   * The read position: the acknowledged one or, if there is no acknowledgement, the requested one.
   */
  seq: number
}

/** A NATS message that a simulated user has received. */
export interface Frame {
  user: UserId
  at: number
  subject: string
  /**
   * The time of the call that the received message answers. Undefined if the message is an event.
   */
  requestedAt?: number | undefined
  room?: RoomId | undefined
  notice?: Notice
  texts: { count: number; room: RoomId }[]
}

export interface UserView {
  user: UserId
  room: RoomId
  messages: ReadonlyMap<MessageId, VisibleMessage>
  violations: string[]
}

export interface VisibleMessage {
  seq: number
  threadId: MessageId | ''
  text: string
  isDeleted: boolean
  /** A key `{user} {emoji}` for each reaction. */
  reactions: ReadonlySet<string>
}

export interface RoomCounts {
  user: UserId
  room: RoomId
  lastSeq: number
  readSeq: number
  unread: number
  mentions: number
}

/**
 * Returns the key of the chain to which an event belongs. Each thread has a chain for its replies,
 * and each room has a chain for all other events. The field `prev` of a notice is the sequence of
 * the previous event in the same chain.
 */
export function chainOf(event: RoomEvent): string {
  const thread = event.kind === 'message' ? (event.threadId ?? '') : ''
  return `${event.room} ${thread}`
}
