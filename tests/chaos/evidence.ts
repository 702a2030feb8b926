import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import type { RoomKind } from '#schema/messages/room'

/** Times are in milliseconds since the Unix epoch. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  log: LogEntry[]
  rows: PersistedMessage[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  versions: { messageId: MessageId; text: string }[]
  heads: { room: RoomId; seq: number }[]
  /** According to the database. */
  expectedIndex: Map<string, string>
  index: Map<string, string>
  /** `{room}.{user}`, including members of archived rooms. */
  storedMembers: ReadonlySet<string>
  acks: AcknowledgedMessage[]
  changes: AcknowledgedChange[]
  membershipOperations: MembershipOperation[]
  unbanOperations: UnbanOperation[]
  archiveOperations: ArchiveOperation[]
  readOperations: ReadOperation[]
  frames: Frame[]
  /** Events may arrive later by the length of a pause of their runtime. */
  pauses: { start: number; end: number }[]
  views: UserView[]
  counts: RoomCounts[]
  /** Without intended rejections. */
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

/** The operation took effect, or may have taken effect, in this time span. */
export interface TimedOperation {
  start: number
  /** Without an acknowledgement, the latest time at which the call may take effect. */
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
  /** The acknowledged read position, or the requested one. */
  seq: number
}

export interface Frame {
  user: UserId
  at: number
  subject: string
  /** Undefined if the frame is an event. */
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
 * The field `prev` of a notice names the previous event of the same chain. Each thread has a chain
 * for its messages, and each room has a chain for all other events.
 */
export function chainOf(event: RoomEvent): string {
  const thread = event.kind === 'message' ? (event.threadId ?? '') : ''
  return `${event.room} ${thread}`
}
