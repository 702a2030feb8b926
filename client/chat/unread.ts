import { readNotifyId, type UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import { type MyRoom, maxUnread } from '#schema/messages/room'

/** What the server has counted: what is unread after one event, taking all into account up to another. */
export type UnreadCount = Pick<MyRoom, 'readSeq' | 'unread' | 'mentions'> & { asOf: number }

/** A message of somebody else that was heard. */
interface HeardMessage {
  seq: number
  /** In threads only what names us calls for us. */
  isUnread: boolean
  isMention: boolean
}

/** What is unread in a room: all that was counted, and what has been heard since. */
export interface Unread extends UnreadCount {
  heard: readonly HeardMessage[]
  /** The last of what was heard without its words: the server counts it. */
  unknown: number
}

/** More than anybody wants to know, and than comes while an answer is on its way. */
const maxHeard = 2 * maxUnread

export function startUnread(counted: UnreadCount): Unread {
  return { ...counted, heard: [], unknown: 0 }
}

/**
 * After an answer, unless it is older than the one before. What was heard stays: with a place that was
 * gone back to an answer may come that takes less into account.
 */
export function applyCount(known: Unread, counted: UnreadCount): Unread {
  const isOlder = counted.readSeq === known.readSeq && counted.asOf < known.asOf
  return isOlder ? known : { ...known, ...counted }
}

/** After what was told of a room. Told twice it is the same as once. */
export function countNotice(known: Unread, notice: Notice, me: UserId): Unread {
  const { kind, seq, event } = notice
  if (kind === 'delete' && event?.kind === 'delete') {
    const { seq: gone } = readNotifyId(event.message.notifyId)
    return { ...known, heard: known.heard.filter((one) => one.seq !== gone) }
  }
  if (kind !== 'message') return known
  if (event?.kind !== 'message') return { ...known, unknown: Math.max(known.unknown, seq) }
  if (event.sender === me || known.heard.some((one) => one.seq === seq)) return known
  const isMention = event.mentions.includes(me)
  const isUnread = isMention || notice.threadId === undefined
  return { ...known, heard: [...known.heard, { seq, isUnread, isMention }].slice(-maxHeard) }
}

/** How much that is. */
export function totalOf({ readSeq, asOf, unread, mentions, heard }: Unread) {
  const since = heard.filter(({ seq }) => seq > asOf && seq > readSeq)
  return {
    unread: Math.min(maxUnread, unread + since.filter((one) => one.isUnread).length),
    mentions: Math.min(maxUnread, mentions + since.filter((one) => one.isMention).length),
  }
}

/** Whether something has been said that nobody here knows how to count. */
export function isUncounted({ unknown, asOf, readSeq }: Unread): boolean {
  return unknown > Math.max(asOf, readSeq)
}
