import {
  createContext,
  createEffect,
  createMemo,
  createSignal,
  onCleanup,
  useContext,
} from 'solid-js'
import { type ClientId, type MessageId, toNotifyId } from '#schema/ids'
import type { PlacedEvent } from '#schema/messages/event'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import type { RoomTimeline } from '../chat/createTimeline.ts'
import type { HistoryPage, TimelineMessage } from '../chat/timeline.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { graceMs } from '../nats/createConnection.ts'
import { createRows, type ListRow } from './rows.ts'

export type Conversation = ReturnType<typeof createConversation>

export interface ConversationOptions {
  chat: Chat
  room: MyRoom
  threadId?: MessageId
  /** What was kept of the room. */
  page?: HistoryPage | undefined
  /** A link leads to a message of it: it is shown when that is found. */
  isTargeted?: boolean
  onEvent?: (placed: PlacedEvent) => void
}

const start: ListRow = { kind: 'start', key: 'start' }

/** What somebody does in a room, or in a thread of it: reads, writes, edits. */
export function createConversation(options: ConversationOptions) {
  const { chat, room, threadId, onEvent } = options
  const [editing, setEditing] = createSignal<TimelineMessage>()
  const [traced, setTraced] = createSignal<TimelineMessage>()
  const [doomed, setDoomed] = createSignal<TimelineMessage>()
  /** Whoever has marked something unread does not read it again by looking at it. */
  const [isKeptUnread, setKeptUnread] = createSignal(false)
  // The line of what is new stays where it was when the room was opened, or nobody looked any more.
  const [readSeq, setReadSeq] = createSignal(
    threadId === undefined && room.unread > 0 ? room.readSeq : undefined,
  )
  /** As when it was opened: after so much was missed that it is read anew. */
  function restartAt(): number | undefined {
    const { readSeq: read } = chat.rooms.byId[room.id] ?? room
    if (threadId !== undefined || isKeptUnread()) return undefined
    setReadSeq(read)
    return read + 1
  }
  const timeline = chat.openTimeline(room.id, {
    ...(threadId === undefined ? {} : { threadId }),
    ...(onEvent === undefined ? {} : { onEvent }),
    ...readStart(options),
    restartAt,
  })
  showCachedPage(options, timeline)
  const toRows = createRows()
  const outgoing = createMemo(() =>
    chat.outbox.all().filter((it) => it.room === room.id && it.threadId === threadId),
  )
  /** Further up than what is loaded there is no line yet. */
  const isLineAbove = () => {
    const [first] = timeline.items()
    const at = readSeq()
    return at !== undefined && first !== undefined && first.seq > at && timeline.hasOlder()
  }
  const lineAt = () => (isLineAbove() ? undefined : readSeq())
  /** Which page somebody wrote from who is on the way to the newest messages. */
  const [leaving, setLeaving] = createSignal(0)
  /** Older messages do not go on with what is written now; but that is not to be out of sight. */
  const shownOutgoing = () =>
    timeline.hasNewer() && leaving() !== timeline.opened() ? [] : outgoing()
  const isFromStart = () => threadId === undefined && timeline.opened() > 0 && !timeline.hasOlder()
  const rows = createMemo(() => {
    const made = toRows(timeline.items(), shownOutgoing(), lineAt(), chat.me)
    return isFromStart() && made.length > 0 ? [start, ...made] : made
  })
  const lastOwn = () =>
    timeline.items().findLast(({ sender, deletedAt }) => sender === chat.me && !deletedAt)
  /** What somebody wants to edit as soon as the room has it. */
  const [awaited, setAwaited] = createSignal<ClientId>()
  createEffect(() => {
    const item = timeline.items().findLast(({ clientId }) => clientId === awaited())
    if (!item) return
    setAwaited()
    setEditing(item)
  })

  return {
    room,
    threadId,
    timeline,
    rows,
    /** Up to where everything was read when this was opened. */
    readSeq,
    isLineAbove,
    editing,
    setEditing,
    /** The message whose path is looked at. */
    traced,
    setTraced,
    /** The message that somebody is asked about before it is deleted. */
    doomed,
    setDoomed,
    /** What was said last; that may be on its way still. */
    editLast() {
      const last = outgoing().findLast(({ status }) => status !== 'failed')
      if (last) setAwaited(last.clientId)
      else setEditing(lastOwn())
    },
    /** Whoever goes on writing does not want to edit any more. */
    forgetAwaited: () => setAwaited(),
    send(text: string) {
      setKeptUnread(false)
      setReadSeq(undefined)
      chat.outbox.send(room.id, text, threadId)
      if (!timeline.hasNewer()) return
      setLeaving(timeline.opened())
      void timeline.goToPresent()
    },
    async saveEdit(item: TimelineMessage, text: string) {
      await callWithRetry(chat.client, 'msg.edit', { notifyId: toNotifyId(item), text })
      setEditing(undefined)
    },
    remove: (item: TimelineMessage) =>
      callWithRetry(chat.client, 'msg.delete', { notifyId: toNotifyId(item) }),
    react(item: TimelineMessage, emoji: string) {
      const found = item.reactions.find((it) => it.emoji === emoji)
      const on = !found?.users.includes(chat.me)
      const reaction = { notifyId: toNotifyId(item), emoji, on }
      return chat.attempt(() => callWithRetry(chat.client, 'msg.react', reaction))
    },
    isKeptUnread,
    /** What is on the screen counts as read again. */
    letRead: () => setKeptUnread(false),
    /** Everything up to this event was seen when somebody looked last. */
    setSeen(seq: number) {
      if (!isKeptUnread()) setReadSeq(seq)
    },
    markUnread(item: TimelineMessage) {
      setKeptUnread(true)
      setReadSeq(item.seq - 1)
      return chat.attempt(() => chat.rooms.markUnread(room.id, item.seq))
    },
  }
}

/**
 * Whoever left something unread goes on there; else the newest is shown. What was kept comes first, but
 * not to whoever goes on elsewhere a moment later.
 */
function readStart({ chat, room, threadId, page, isTargeted }: ConversationOptions) {
  if (isTargeted) return { start: 'later' } as const
  if (threadId !== undefined || room.unread === 0) return { kept: page }
  const start = room.readSeq + 1
  return chat.connection.state().status === 'online' ? { start } : { start, kept: page }
}

/** Whoever comes by a link to a message sees what was kept as soon as that is not found in a moment. */
function showCachedPage({ chat, page, isTargeted }: ConversationOptions, { show }: RoomTimeline) {
  if (!isTargeted || !page) return
  const timer = setTimeout(() => show(page), chat.connection.isAbsent ? 0 : graceMs)
  onCleanup(() => clearTimeout(timer))
}

export const ConversationContext = createContext<Conversation>()

export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext)
  if (!conversation) throw new Error('useConversation needs a ConversationContext provider')
  return conversation
}
