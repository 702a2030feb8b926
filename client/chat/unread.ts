import { readNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import { type MyRoom, maxUnread } from '#schema/messages/room'
import { isMentioned } from '#schema/text/mentions'

/** The server's count of the messages after `readSeq`, up to and including the event `asOf`. */
export type UnreadCount = Pick<MyRoom, 'readSeq' | 'unread' | 'mentions'> & { asOf: number }

interface ReceivedMessage {
  seq: number
  /** False for a reply in a thread, unless it mentions the user. */
  isUnread: boolean
  isMention: boolean
}

/** The unread messages of a room: the server's count, and the messages received since that count. */
export interface Unread extends UnreadCount {
  received: readonly ReceivedMessage[]
  /**
   * Sequence number of the last notice that came without its message. Only the server can count that
   * message.
   */
  uncountedSeq: number
}

/**
 * Maximum length of `received`: `maxUnread` messages to show, and as many more that may arrive while
 * the server counts.
 */
const maxReceived = 2 * maxUnread

export function startUnread(counted: UnreadCount): Unread {
  return { ...counted, received: [], uncountedSeq: 0 }
}

/**
 * Applies a count of the server, unless it is older than the current count. Keeps all received
 * messages: a count for another read position may have a smaller `asOf` and lack them.
 */
export function applyCount(current: Unread, counted: UnreadCount): Unread {
  const isOlder = counted.readSeq === current.readSeq && counted.asOf < current.asOf
  return isOlder ? current : { ...current, ...counted }
}

/** Adds the message of a notice, or removes the message that the notice deletes. Idempotent. */
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
  const isMention = isMentioned(event.mentions, me)
  const isUnread = isMention || notice.threadId === undefined
  return {
    ...current,
    received: [...current.received, { seq, isUnread, isMention }].slice(-maxReceived),
  }
}

export function totalOf({ readSeq, asOf, unread, mentions, received }: Unread) {
  const since = received.filter(({ seq }) => seq > asOf && seq > readSeq)
  return {
    unread: Math.min(maxUnread, unread + since.filter((message) => message.isUnread).length),
    mentions: Math.min(maxUnread, mentions + since.filter((message) => message.isMention).length),
  }
}

export function isUncounted({ uncountedSeq, asOf, readSeq }: Unread): boolean {
  return uncountedSeq > Math.max(asOf, readSeq)
}
