import { createContext, createEffect, createMemo, createSignal, useContext } from 'solid-js'
import { type ClientId, type MessageId, toNotifyId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import { ask } from '../chat/ask.ts'
import type { Chat } from '../chat/createChat.ts'
import type { Item, Page } from '../chat/timeline.ts'
import { createRows } from './rows.ts'

export type Conversation = ReturnType<typeof createConversation>

export interface ConversationOptions {
  chat: Chat
  room: MyRoom
  threadId?: MessageId
  /** What was kept of the room. */
  page?: Page | undefined
  /** A link leads to a message of it: it is shown when that is found. */
  isTargeted?: boolean
}

/** What somebody does in a room, or in a thread of it: reads, writes, edits. */
export function createConversation(options: ConversationOptions) {
  const { chat, room, threadId } = options
  const [editing, setEditing] = createSignal<Item>()
  const [traced, setTraced] = createSignal<Item>()
  const [doomed, setDoomed] = createSignal<Item>()
  // The line of what is new stays where it was when the room was opened.
  const [readSeq, setReadSeq] = createSignal(
    threadId === undefined && room.unread > 0 ? room.readSeq : undefined,
  )
  const timeline = chat.openTimeline(room.id, {
    ...(threadId === undefined ? {} : { threadId }),
    ...readStart(options),
  })
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
  const rows = createMemo(() =>
    toRows(timeline.items(), timeline.hasNewer() ? [] : outgoing(), lineAt(), chat.me),
  )
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
    async send(text: string) {
      setReadSeq(undefined)
      if (timeline.hasNewer()) await timeline.goToPresent()
      chat.outbox.send(room.id, text, threadId)
    },
    async saveEdit(item: Item, text: string) {
      await ask(chat.client, 'msg.edit', { notifyId: toNotifyId(item), text })
      setEditing(undefined)
    },
    remove: (item: Item) => ask(chat.client, 'msg.delete', { notifyId: toNotifyId(item) }),
    react(item: Item, emoji: string) {
      const found = item.reactions.find((it) => it.emoji === emoji)
      const on = !found?.users.includes(chat.me)
      const reaction = { notifyId: toNotifyId(item), emoji, on }
      return chat.attempt(() => ask(chat.client, 'msg.react', reaction))
    },
    markUnread(item: Item) {
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
  return chat.connection.link().is === 'online' ? { start } : { start, kept: page }
}

export const ConversationContext = createContext<Conversation>()

export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext)
  if (!conversation) throw new Error('There is no conversation around this')
  return conversation
}
