import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice, PlacedEvent, RoomEvent } from '#schema/messages/event'
import type { RoomKind } from '#schema/messages/room'

/** The input of all checks, collected after a run. Times are in ms since the epoch. */
export interface Evidence {
  rooms: { id: RoomId; kind: RoomKind; isArchived: boolean }[]
  log: LogEntry[]
  rows: PersistedMessage[]
  reactions: { messageId: MessageId; userId: UserId; emoji: string }[]
  /** The earlier texts of edited messages. */
  versions: { messageId: MessageId; text: string }[]
  /** The sequence number of the last persisted event of each room. */
  heads: { room: RoomId; seq: number }[]
  /** The entries that the member index ROOMS_KV should have according to the database. */
  expectedIndex: Map<string, string>
  index: Map<string, string>
  /** `{room}.{user}` of each membership in the database, including archived rooms. */
  storedMembers: ReadonlySet<string>
  acks: AcknowledgedMessage[]
  changes: AcknowledgedChange[]
  membershipOperations: MembershipOperation[]
  archiveOperations: ArchiveOperation[]
  readOperations: ReadOperation[]
  /** All pushes to the simulated users, and all answers to their calls that contain marked texts. */
  frames: Frame[]
  /** Times at which a runtime was paused. Its pushes may arrive later by the length of the pause. */
  pauses: { start: number; end: number }[]
  /** Each member's view of a room, built from pushed events and answers of calls. */
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

/** A row of the table `messages`. */
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

/** The time span in which an operation took effect, or may have taken effect if not acknowledged. */
export interface TimedOperation {
  start: number
  /** Time of the acknowledgement or, without one, the latest time at which the call may take effect. */
  end: number
  isAcknowledged: boolean
}

export interface MembershipOperation extends TimedOperation {
  user: UserId
  room: RoomId
  action: 'join' | 'leave'
  /** True for a kick: unlike a user who left, a kicked user cannot subscribe to a public room. */
  isKick?: boolean
}

export interface ArchiveOperation extends TimedOperation {
  room: RoomId
  action: 'archive' | 'restore'
}

export interface ReadOperation extends TimedOperation {
  user: UserId
  room: RoomId
  /** The acknowledged read position or, without an acknowledgement, the requested one. */
  seq: number
}

/** A NATS message that a simulated user received. */
export interface Frame {
  user: UserId
  at: number
  subject: string
  /** The time of the call that the frame answers; undefined for a push. */
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

/** Returns a key that events share if `prev` links them: messages of a thread, or the rest of a room. */
export function chainOf(event: RoomEvent): string {
  const thread = event.kind === 'message' ? (event.threadId ?? '') : ''
  return `${event.room} ${thread}`
}
