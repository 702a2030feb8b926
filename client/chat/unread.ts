import { readNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import { type MyRoom, maxUnread } from '#schema/messages/room'

/** The server's count of the messages after `readSeq`, up to and including the event `asOf`. */
export type UnreadCount = Pick<MyRoom, 'readSeq' | 'unread' | 'mentions'> & { asOf: number }

/** A message of another user, received as a notice. */
interface ReceivedMessage {
  seq: number
  /** A reply in a thread is unread only if it mentions the user. */
  isUnread: boolean
  isMention: boolean
}

/** The unread messages of a room: the server's count, and the messages received since. */
export interface Unread extends UnreadCount {
  received: readonly ReceivedMessage[]
  /** The last message whose notice had no event: only the server can count it. */
  uncountedSeq: number
}

/** Enough for the shown maximum and for the messages that arrive during a request. */
const maxReceived = 2 * maxUnread

export function startUnread(counted: UnreadCount): Unread {
  return { ...counted, received: [], uncountedSeq: 0 }
}

/**
 * Applies a response of the server, unless it is older than the last one. Received messages stay: after
 * the read position was moved back, a response may include less than the one before.
 */
export function applyCount(current: Unread, counted: UnreadCount): Unread {
  const isOlder = counted.readSeq === current.readSeq && counted.asOf < current.asOf
  return isOlder ? current : { ...current, ...counted }
}

/** Counts a notice of the room. Idempotent. */
export function countNotice(current: Unread, notice: Notice, me: UserId): Unread {
  const { kind, seq, event } = notice
  if (kind === 'delete' && event?.kind === 'delete') {
    const { seq: deleted } = readNotifyId(event.message.notifyId)
    return { ...current, received: current.received.filter((message) => message.seq !== deleted) }
  }
  if (kind !== 'message') return current
  if (event?.kind !== 'message')
    return { ...current, uncountedSeq: Math.max(current.uncountedSeq, seq) }
  if (event.sender === me || current.received.some((message) => message.seq === seq)) return current
  const isMention = event.mentions.includes(me)
  const isUnread = isMention || notice.threadId === undefined
  return {
    ...current,
    received: [...current.received, { seq, isUnread, isMention }].slice(-maxReceived),
  }
}

/** Returns the numbers to show, each capped at `maxUnread`. */
export function totalOf({ readSeq, asOf, unread, mentions, received }: Unread) {
  const since = received.filter(({ seq }) => seq > asOf && seq > readSeq)
  return {
    unread: Math.min(maxUnread, unread + since.filter((message) => message.isUnread).length),
    mentions: Math.min(maxUnread, mentions + since.filter((message) => message.isMention).length),
  }
}

/** Whether there is a message that only the server can count. */
export function isUncounted({ uncountedSeq, asOf, readSeq }: Unread): boolean {
  return uncountedSeq > Math.max(asOf, readSeq)
}
