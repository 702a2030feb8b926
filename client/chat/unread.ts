import { type MessageId, type NotifyId, readNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import { type MyRoom, maxUnread } from '#schema/messages/room'
import { isMentioned } from '#schema/text/group-names'

/** Counts of the unread messages after `readSeq`, up to and including the event `asOf`. */
export type UnreadCount = Pick<MyRoom, 'readSeq' | 'unread' | 'mentions'> & { asOf: number }

interface ReceivedMessage {
  seq: number
  threadId: MessageId | undefined
  isUnread: boolean
  isMention: boolean
}

export interface Unread extends UnreadCount {
  received: readonly ReceivedMessage[]
  /**
   * Sequence number of the last notice whose effect on the counts only the server knows: the notice lacks
   * its event, or it reports an edit of a message that the server has counted.
   */
  uncountedSeq: number
  /** Like `uncountedSeq`, for replies in threads, which stay unread when the room is read. */
  uncountedReplySeq: number
}

/**
 * Enough for the `maxUnread` messages that are shown as unread, and for as many more that may arrive
 * while the server counts.
 */
const maxReceived = 2 * maxUnread

export function startUnread(counted: UnreadCount): Unread {
  return { ...counted, received: [], uncountedSeq: 0, uncountedReplySeq: 0 }
}

/**
 * Replaces the counts by newer counts of the server. `received` keeps even the messages that these
 * counts include: later counts of the server may be for another read position and have a smaller
 * `asOf`. Such counts lack these messages.
 */
export function applyCount(current: Unread, counted: UnreadCount): Unread {
  const isOlder = counted.readSeq === current.readSeq && counted.asOf < current.asOf
  return isOlder ? current : { ...current, ...counted }
}

export function countNotice(
  current: Unread,
  notice: Notice,
  me: UserId,
  isFollowed: boolean,
): Unread {
  const { kind, seq, event, threadId } = notice
  if (kind === 'delete' && event?.kind === 'delete') {
    const { seq: deleted } = readNotifyId(event.message.notifyId)
    return { ...current, received: current.received.filter((message) => message.seq !== deleted) }
  }
  if (kind === 'edit') return countEdit(current, notice, me)
  if (kind !== 'message') return current
  if (event?.kind !== 'message') return uncounted(current, seq, threadId !== undefined)
  if (event.sender === me || current.received.some((message) => message.seq === seq)) return current
  const isMention = isMentioned(event.mentions, me)
  const isUnread = isMention || isFollowed || threadId === undefined
  return {
    ...current,
    received: [...current.received, { seq, threadId, isUnread, isMention }].slice(-maxReceived),
  }
}

function countEdit(current: Unread, { seq, notifyId, event }: Notice, me: UserId): Unread {
  const edit = event?.kind === 'edit' ? event : undefined
  const { seq: target } = readNotifyId(notifyId as NotifyId)
  const isMention = edit !== undefined && isMentioned(edit.mentions, me)
  const received = current.received.map((message) =>
    message.seq === target
      ? { ...message, isMention, isUnread: message.isUnread || isMention }
      : message,
  )
  // Only the server knows whether a message that it has counted mentioned the user before the edit.
  const mayChangeCount = !edit || isMention || current.mentions > 0
  const isReply = edit?.message.threadId !== undefined
  const isCounted = target <= current.asOf && (isReply || target > current.readSeq)
  return mayChangeCount && (isCounted || !edit)
    ? uncounted({ ...current, received }, seq, isReply || !edit)
    : { ...current, received }
}

function uncounted(current: Unread, seq: number, isReply: boolean): Unread {
  const key = isReply ? 'uncountedReplySeq' : 'uncountedSeq'
  return { ...current, [key]: Math.max(current[key], seq) }
}

export function readThreads(current: Unread, upTo: number, threadId?: MessageId): Unread {
  const received = current.received.filter(
    (message) =>
      message.threadId === undefined ||
      message.threadId !== (threadId ?? message.threadId) ||
      message.seq > upTo,
  )
  return { ...current, received }
}

export function totalOf({ readSeq, asOf, unread, mentions, received }: Unread) {
  const since = received.filter(
    ({ seq, threadId }) => seq > asOf && (threadId !== undefined || seq > readSeq),
  )
  return {
    unread: Math.min(maxUnread, unread + since.filter((message) => message.isUnread).length),
    mentions: Math.min(maxUnread, mentions + since.filter((message) => message.isMention).length),
  }
}

export function isUncounted({ uncountedSeq, uncountedReplySeq, asOf, readSeq }: Unread): boolean {
  return uncountedReplySeq > asOf || uncountedSeq > Math.max(asOf, readSeq)
}
