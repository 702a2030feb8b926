import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import type { RoomKind } from '#schema/messages/room'

/** Times are in milliseconds since the Unix epoch. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  log: LogEntry[]
  rows: PersistedMessage[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  /** The earlier texts of edited messages. */
  versions: { messageId: MessageId; text: string }[]
  /** The sequence of the last persisted event of each room. */
  heads: { room: RoomId; seq: number }[]
  /** The entries that the member index ROOMS_KV should have according to the database. */
  expectedIndex: Map<string, string>
  index: Map<string, string>
  /** `{room}.{user}` of each membership in the database, including those in archived rooms. */
  storedMembers: ReadonlySet<string>
  acks: AcknowledgedMessage[]
  changes: AcknowledgedChange[]
  membershipOperations: MembershipOperation[]
  unbanOperations: UnbanOperation[]
  archiveOperations: ArchiveOperation[]
  readOperations: ReadOperation[]
  /** All events that simulated users received, and all answers with marked texts to their calls. */
  frames: Frame[]
  /** Times at which a runtime was paused. Events may arrive later by the length of the pause. */
  pauses: { start: number; end: number }[]
  /** Each member's view of a room, built from received events and answers of calls. */
  views: UserView[]
  counts: RoomCounts[]
  /** Calls that failed after the last fault, except for intended rejections. */
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

/** An operation with the time span in which it took effect, or may have taken effect. */
export interface TimedOperation {
  start: number
  /**
   * Time of the acknowledgement. Without one, the latest time at which the call may take effect.
   */
  end: number
  isAcknowledged: boolean
}

export interface MembershipOperation extends TimedOperation {
  user: UserId
  room: RoomId
  action: 'join' | 'leave'
  /**
   * True for a kick. A user who left can still read a public room; a kicked user cannot.
   */
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
  /** The acknowledged read position, or the requested one if the call was not acknowledged. */
  seq: number
}

/** A NATS message that a simulated user received. */
export interface Frame {
  user: UserId
  at: number
  subject: string
  /** The time of the call that the frame answers; undefined if the frame is an event. */
  requestedAt?: number | undefined
  room?: RoomId | undefined
  notice?: Notice
  /** The marked texts (see `createMarkedText`) in the payload. */
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
  /** `{user} {emoji}` */
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
 * Returns the chain of an event. The field `prev` of a notice names the previous event of the same
 * chain. Each thread has a chain for its messages, and each room has a chain for all other events.
 */
export function chainOf(event: RoomEvent): string {
  const thread = event.kind === 'message' ? (event.threadId ?? '') : ''
  return `${event.room} ${thread}`
}
