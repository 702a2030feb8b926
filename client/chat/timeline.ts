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

/** A message as it stands after the event `asOf`. */
export interface TimelineMessage extends PagedMessage {
  asOf: number
}

/**
 * What is shown of a room, or of a thread: messages without a gap between them, oldest first. Values
 * are never changed: each step answers with a new one, so that what is the same stays the same object.
 */
export interface Timeline {
  /** The thread this is of; the room itself, where absent. */
  threadId?: MessageId | undefined
  items: readonly TimelineMessage[]
  /** Whether there are more on either side. With newer ones to come, what is said now has no place yet. */
  hasOlder: boolean
  hasNewer: boolean
  /** The last answers that came before what they answer: threads have chains of their own. */
  earlyReplies: readonly EarlyReply[]
}

interface EarlyReply {
  to: MessageId
  seq: number
}

/** Most are answers to what is further up than anything that is shown, and come to nothing. */
const maxEarlyReplies = 50

export function timelineFromPage(page: HistoryPage, threadId?: MessageId): Timeline {
  const items = toItems(page)
  return { threadId, items, hasOlder: page.before, hasNewer: page.after, earlyReplies: [] }
}

/** With the page before the first, or behind the last. */
export function extendTimeline(
  timeline: Timeline,
  page: HistoryPage,
  side: 'older' | 'newer',
): Timeline {
  const [first, last] = [timeline.items[0], timeline.items.at(-1)]
  // Of what is there already nothing is added, and there may be very much.
  const added = toItems(page).filter(({ seq }) =>
    side === 'older' ? !first || seq < first.seq : !last || seq > last.seq,
  )
  return side === 'older'
    ? { ...timeline, items: [...added, ...timeline.items], hasOlder: page.before }
    : { ...timeline, items: [...timeline.items, ...added], hasNewer: page.after }
}

/** After an event of the room. Events come in their order; one that is known already changes nothing. */
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
      return updateMessage(timeline, seq, event.message, (item) => ({
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

/** One message after an event of its room. */
export function applyTo(item: TimelineMessage, placed: PlacedEvent): TimelineMessage {
  const alone: Timeline = { items: [item], hasOlder: true, hasNewer: true, earlyReplies: [] }
  return applyEvent(alone, placed).items.find(({ id }) => id === item.id) ?? item
}

function addMessage(timeline: Timeline, seq: number, event: RoomEventOf<'message'>): Timeline {
  const { items } = timeline
  // Behind the last one others may be missing; between two that are there nothing else is.
  if (timeline.hasNewer && seq > (items.at(-1)?.seq ?? 0)) return timeline
  if (items.some(({ id }) => id === event.id)) return timeline
  const { kind: _, ...message } = event
  const answers = timeline.earlyReplies.filter(({ to }) => to === event.id)
  const lastSeq = Math.max(...answers.map((answer) => answer.seq))
  const replies = answers.length > 0 ? { replies: { count: answers.length, lastSeq } } : {}
  const item: TimelineMessage = { ...message, ...replies, seq, reactions: [], asOf: seq }
  const at = items.findLastIndex((other) => other.seq < seq) + 1
  const earlyReplies = timeline.earlyReplies.filter((answer) => !answers.includes(answer))
  return { ...timeline, earlyReplies, items: items.toSpliced(at, 0, item) }
}

function countReply(timeline: Timeline, seq: number, event: RoomEventOf<'message'>): Timeline {
  const { threadId: to } = event
  if (to !== undefined && !timeline.items.some(({ id }) => id === to)) {
    if (timeline.earlyReplies.some((answer) => answer.seq === seq)) return timeline
    return {
      ...timeline,
      earlyReplies: [...timeline.earlyReplies, { to, seq }].slice(-maxEarlyReplies),
    }
  }
  return replace(timeline, to, (item) => {
    const { count, lastSeq } = item.replies ?? { count: 0, lastSeq: 0 }
    // Threads have chains of their own, so a later answer says nothing about the message itself.
    return seq > lastSeq ? { ...item, replies: { count: count + 1, lastSeq: seq } } : item
  })
}

function updateMessage(
  timeline: Timeline,
  seq: number,
  target: RoomEventOf<'edit'>['message'],
  make: (item: TimelineMessage) => TimelineMessage,
): Timeline {
  return replace(timeline, readNotifyId(target.notifyId).id, (item) =>
    seq > item.asOf ? { ...make(item), asOf: seq } : item,
  )
}

function replace(
  timeline: Timeline,
  id: MessageId | undefined,
  make: (item: TimelineMessage) => TimelineMessage,
) {
  const at = timeline.items.findIndex((item) => item.id === id)
  const before = timeline.items[at]
  const after = before && make(before)
  if (!after || after === before) return timeline
  return { ...timeline, items: timeline.items.with(at, after) }
}

type Reactions = TimelineMessage['reactions']

function react(reactions: Reactions, emoji: string, user: UserId, on: boolean): Reactions {
  const at = reactions.findIndex((it) => it.emoji === emoji)
  const found = reactions[at]
  if (!found) return on ? [...reactions, { emoji, count: 1, users: [user] }] : reactions
  // Of many only some are named, and somebody who is not may be among the others.
  if (found.users.includes(user) === on) return reactions
  const users = on ? [...found.users, user] : found.users.filter((other) => other !== user)
  const count = found.count + (on ? 1 : -1)
  if (count <= 0) return reactions.toSpliced(at, 1)
  return reactions.with(at, { emoji, count, users })
}

function toItems({ messages, asOf }: HistoryPage): TimelineMessage[] {
  return messages.map((message) => ({ ...message, asOf }))
}
