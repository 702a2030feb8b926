import type { MessageId, UserId } from '#schema/ids'
import { readNotifyId } from '#schema/ids'
import type { PagedMessage } from '#schema/messages/chat'
import type { PlacedEvent, RoomEventOf } from '#schema/messages/event'

export interface HistoryPage {
  messages: PagedMessage[]
  before: boolean
  after: boolean
  asOf: number
}

/** `asOf`: sequence number of the last event that changed the message. */
export interface TimelineMessage extends PagedMessage {
  asOf: number
}

/**
 * Consecutive messages of a room or a thread, oldest first. Immutable: a change creates a new
 * timeline, which shares the objects of the unchanged messages.
 */
export interface Timeline {
  threadId?: MessageId | undefined
  items: readonly TimelineMessage[]
  hasOlder: boolean
  hasNewer: boolean
  /**
   * Replies whose parent message is not in `items`. Events are in order only within a thread, and
   * outside of threads (see eventChains.ts). The parent message is an event outside of its thread,
   * so it may arrive after the replies.
   */
  earlyReplies: readonly EarlyReply[]
}

interface EarlyReply extends Reply {
  to: MessageId
}
type Reply = { seq: number } & Pick<RoomEventOf<'message'>, 'sender' | 'at'>
type Replies = NonNullable<PagedMessage['replies']>

const noReplies: Replies = { count: 0, lastSeq: 0, users: [] }
const maxRepliers = 3

/**
 * Limited, because most early replies are never used: their parent message is in a history page
 * that is not loaded.
 */
const maxEarlyReplies = 50

export function timelineFromPage(page: HistoryPage, threadId?: MessageId): Timeline {
  const items = toItems(page)
  return { threadId, items, hasOlder: page.before, hasNewer: page.after, earlyReplies: [] }
}

export function extendTimeline(
  timeline: Timeline,
  page: HistoryPage,
  side: 'older' | 'newer',
): Timeline {
  const [first, last] = [timeline.items[0], timeline.items.at(-1)]
  const added = toItems(page).filter(({ seq }) =>
    side === 'older' ? !first || seq < first.seq : !last || seq > last.seq,
  )
  return side === 'older'
    ? { ...timeline, items: [...added, ...timeline.items], hasOlder: page.before }
    : { ...timeline, items: [...timeline.items, ...added], hasNewer: page.after }
}

/**
 * Returns the timeline after an event; idempotent. The events of each thread must be applied in
 * order, and so must the events outside of threads.
 */
export function applyEvent(timeline: Timeline, placed: PlacedEvent): Timeline {
  const { seq, event } = placed
  switch (event.kind) {
    case 'message':
      return event.threadId === timeline.threadId
        ? addMessage(timeline, seq, event)
        : countReply(timeline, seq, event)
    case 'edit':
      return updateMessage(timeline, seq, event.message, (item) => ({
        ...item,
        text: event.text,
        mentions: event.mentions,
        editedAt: event.at,
      }))
    case 'delete':
      if (event.message.threadId !== timeline.threadId)
        return uncountReply(timeline, seq, event.message)
      return updateMessage(timeline, seq, event.message, ({ card: _, ...item }) => ({
        ...item,
        text: '',
        mentions: [],
        reactions: [],
        deletedAt: event.at,
      }))
    case 'react':
      return updateMessage(timeline, seq, event.message, (item) => ({
        ...item,
        reactions: react(item.reactions, event.emoji, event.by, event.on),
      }))
    default:
      return timeline
  }
}

export function applyTo(item: TimelineMessage, placed: PlacedEvent): TimelineMessage {
  const alone: Timeline = { items: [item], hasOlder: true, hasNewer: true, earlyReplies: [] }
  return applyEvent(alone, placed).items.find(({ id }) => id === item.id) ?? item
}

function addMessage(timeline: Timeline, seq: number, event: RoomEventOf<'message'>): Timeline {
  const { items } = timeline
  // If newer messages exist that are not loaded, adding this message would leave a gap.
  if (timeline.hasNewer && seq > (items.at(-1)?.seq ?? 0)) return timeline
  if (items.some(({ id }) => id === event.id)) return timeline
  const { kind: _, ...message } = event
  const ownReplies = timeline.earlyReplies.filter(({ to }) => to === event.id)
  const sent: TimelineMessage = { ...message, seq, reactions: [], asOf: seq }
  const item = ownReplies.toSorted((a, b) => a.seq - b.seq).reduce(addReply, sent)
  const index = items.findLastIndex((other) => other.seq < seq) + 1
  const earlyReplies = timeline.earlyReplies.filter((reply) => !ownReplies.includes(reply))
  return { ...timeline, earlyReplies, items: items.toSpliced(index, 0, item) }
}

function countReply(timeline: Timeline, seq: number, event: RoomEventOf<'message'>): Timeline {
  const { threadId: to, sender, at } = event
  const reply = { seq, sender, at }
  if (to !== undefined && !timeline.items.some(({ id }) => id === to)) {
    if (timeline.earlyReplies.some((early) => early.seq === seq)) return timeline
    return {
      ...timeline,
      earlyReplies: [...timeline.earlyReplies, { to, ...reply }].slice(-maxEarlyReplies),
    }
  }
  return replace(timeline, to, (item) => addReply(item, reply))
}

function addReply(item: TimelineMessage, { seq, sender, at }: Reply): TimelineMessage {
  const replies = item.replies ?? noReplies
  // Compares with `lastSeq`, not with `asOf`: a newer edit of the parent message, which raises
  // `asOf`, may have arrived before this reply.
  if (seq <= replies.lastSeq) return item
  if (replies.deleted?.includes(seq)) return { ...item, replies: { ...replies, lastSeq: seq } }
  const users = [sender, ...replies.users.filter((user) => user !== sender)].slice(0, maxRepliers)
  const added = { count: replies.count + 1, lastSeq: seq, lastAt: at, users }
  return { ...item, replies: { ...replies, ...added } }
}

/**
 * Takes a deleted reply out of the count. A deletion is an event outside of the thread, so it may
 * arrive before the reply (see eventChains.ts). The reply is therefore listed in `replies.deleted`,
 * so that `addReply` does not count it.
 */
function uncountReply(
  timeline: Timeline,
  seq: number,
  { threadId, notifyId }: RoomEventOf<'delete'>['message'],
): Timeline {
  const { seq: reply } = readNotifyId(notifyId)
  return replace(timeline, threadId, (item) => {
    const { deleted = [], ...replies } = item.replies ?? noReplies
    if (seq <= item.asOf || deleted.includes(reply)) return item
    const count = reply > replies.lastSeq ? replies.count : replies.count - 1
    return { ...item, replies: { ...replies, count, deleted: [...deleted, reply] } }
  })
}

function updateMessage(
  timeline: Timeline,
  seq: number,
  target: RoomEventOf<'edit'>['message'],
  change: (item: TimelineMessage) => TimelineMessage,
): Timeline {
  return replace(timeline, readNotifyId(target.notifyId).id, (item) =>
    seq > item.asOf ? { ...change(item), asOf: seq } : item,
  )
}

function replace(
  timeline: Timeline,
  id: MessageId | undefined,
  change: (item: TimelineMessage) => TimelineMessage,
) {
  const index = timeline.items.findIndex((item) => item.id === id)
  const before = timeline.items[index]
  const after = before && change(before)
  if (!after || after === before) return timeline
  return { ...timeline, items: timeline.items.with(index, after) }
}

type Reactions = TimelineMessage['reactions']

function react(reactions: Reactions, emoji: string, user: UserId, on: boolean): Reactions {
  const index = reactions.findIndex((reaction) => reaction.emoji === emoji)
  const existing = reactions[index]
  if (!existing) return on ? [...reactions, { emoji, count: 1, users: [user] }] : reactions
  // `users` lists only some users of a popular reaction. If a user who is not listed removes the
  // reaction, the removal is ignored, and the count is then too high.
  if (existing.users.includes(user) === on) return reactions
  const users = on ? [...existing.users, user] : existing.users.filter((other) => other !== user)
  const count = existing.count + (on ? 1 : -1)
  if (count <= 0) return reactions.toSpliced(index, 1)
  return reactions.with(index, { emoji, count, users })
}

function toItems({ messages, asOf }: HistoryPage): TimelineMessage[] {
  return messages.map((message) => ({ ...message, asOf }))
}
