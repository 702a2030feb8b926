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
import type { RoomTimeline, TimelineOptions } from '../chat/createTimeline.ts'
import type { HistoryPage, TimelineMessage } from '../chat/timeline.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { graceMs } from '../nats/createConnection.ts'
import { createRows, type ListRow } from './rows.ts'

export type Conversation = ReturnType<typeof createConversation>

export interface ConversationOptions {
  chat: Chat
  room: MyRoom
  threadId?: MessageId
  page?: HistoryPage | undefined
  isTargeted?: boolean
  isPreview?: boolean
  onEvent?: (placed: PlacedEvent) => void
}

const start: ListRow = { kind: 'start', key: 'start' }

export function createConversation(options: ConversationOptions) {
  const { chat, room, threadId, isPreview = false, onEvent } = options
  const [editing, setEditing] = createSignal<TimelineMessage>()
  const [traced, setTraced] = createSignal<TimelineMessage>()
  const [deleting, setDeleting] = createSignal<TimelineMessage>()
  const [isMarkedUnread, setMarkedUnread] = createSignal(false)
  // The unread line is drawn after this sequence number, and stays there while the user reads.
  const [readSeq, setReadSeq] = createSignal(unreadStart(options))
  /**
   * Returns the sequence number at which the timeline reopens if it missed too many events to fetch
   * them; undefined for the newest message.
   */
  function restartAt(): number | undefined {
    const { readSeq: read } = chat.rooms.byId(room.id) ?? room
    if (threadId !== undefined || isMarkedUnread()) return undefined
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
    chat.sendQueue
      .all()
      .filter((message) => message.room === room.id && message.threadId === threadId),
  )
  const isLineAbove = () => {
    const [first] = timeline.items()
    const seq = readSeq()
    return seq !== undefined && first !== undefined && first.seq > seq && timeline.hasOlder()
  }
  const lineSeq = () => (isLineAbove() ? undefined : readSeq())
  /**
   * Value of `timeline.opened()` when the user last sent a message from an older history page. The
   * value changes each time the timeline is opened.
   */
  const [sentFrom, setSentFrom] = createSignal(0)
  /**
   * Messages that are being sent belong after the newest message. So they are not shown on an older
   * history page, unless the user has sent one from that page.
   */
  const shownOutgoing = () =>
    timeline.hasNewer() && sentFrom() !== timeline.opened() ? [] : outgoing()
  const isFromStart = () => threadId === undefined && timeline.opened() > 0 && !timeline.hasOlder()
  const rows = createMemo(() => {
    const list = toRows(timeline.items(), shownOutgoing(), lineSeq(), chat.me)
    return isFromStart() && list.length > 0 ? [start, ...list] : list
  })
  const lastOwn = () =>
    timeline.items().findLast(({ sender, deletedAt }) => sender === chat.me && !deletedAt)
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
    isPreview,
    timeline,
    rows,
    readSeq,
    isLineAbove,
    editing,
    setEditing,
    traced,
    setTraced,
    deleting,
    setDeleting,
    /**
     * Begins to edit the user's last message. If this message is still being sent, waits until its
     * event arrives.
     */
    editLast() {
      const last = outgoing().findLast(({ status }) => status !== 'failed')
      if (last) setAwaited(last.clientId)
      else setEditing(lastOwn())
    },
    cancelAwaitedEdit: () => setAwaited(),
    send(text: string) {
      setMarkedUnread(false)
      setReadSeq(undefined)
      chat.sendQueue.send(room.id, text, threadId)
      if (!timeline.hasNewer()) return
      setSentFrom(timeline.opened())
      void timeline.goToPresent()
    },
    async saveEdit(item: TimelineMessage, text: string) {
      await callWithRetry(chat.client, 'msg.edit', { notifyId: toNotifyId(item), text })
      setEditing(undefined)
    },
    remove: (item: TimelineMessage) =>
      callWithRetry(chat.client, 'msg.delete', { notifyId: toNotifyId(item) }),
    react(item: TimelineMessage, emoji: string) {
      const existing = item.reactions.find((reaction) => reaction.emoji === emoji)
      const on = !existing?.users.includes(chat.me)
      const reaction = { notifyId: toNotifyId(item), emoji, on }
      return chat.attempt(() => callWithRetry(chat.client, 'msg.react', reaction))
    },
    isMarkedUnread,
    resumeReading: () => setMarkedUnread(false),
    setSeen(seq: number) {
      if (!isMarkedUnread()) setReadSeq(seq)
    },
    markUnread(item: TimelineMessage) {
      setMarkedUnread(true)
      setReadSeq(item.seq - 1)
      return chat.attempt(() => chat.rooms.markUnread(room.id, item.seq))
    },
  }
}

function unreadStart({ chat, room, threadId }: ConversationOptions): number | undefined {
  if (threadId === undefined) return chat.countUnread(room) > 0 ? room.readSeq : undefined
  const thread = chat.threads.byId[threadId]
  return thread && thread.unread > 0 ? thread.readSeq : undefined
}

/**
 * Omits the cached history page if the conversation opens at an unread message and the connection
 * is online: the page from the server would replace it a moment later.
 */
function readStart(options: ConversationOptions): Pick<TimelineOptions, 'start' | 'cachedPage'> {
  const { chat, page, isTargeted } = options
  if (isTargeted) return { start: 'later' }
  const readSeq = unreadStart(options)
  if (readSeq === undefined) return { cachedPage: page }
  const start = readSeq + 1
  return chat.connection.state().status === 'online' ? { start } : { start, cachedPage: page }
}

function showCachedPage(
  { chat, page, isTargeted }: ConversationOptions,
  { showCached }: RoomTimeline,
) {
  if (!isTargeted || !page) return
  const timer = setTimeout(() => showCached(page), chat.connection.isAbsent ? 0 : graceMs)
  onCleanup(() => clearTimeout(timer))
}

export const ConversationContext = createContext<Conversation>()

export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext)
  if (!conversation) throw new Error('useConversation needs a ConversationContext provider')
  return conversation
}
