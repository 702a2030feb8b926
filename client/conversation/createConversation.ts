import { createContext, createMemo, createSignal, useContext } from 'solid-js'
import type { MessageId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
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
}

/** What somebody does in a room, or in a thread of it: reads, writes, edits. */
export function createConversation({ chat, room, threadId, page }: ConversationOptions) {
  const timeline = chat.openTimeline(room.id, threadId, page)
  const [editing, setEditing] = createSignal<Item>()
  // The line of what is new stays where it was when the room was opened.
  const [readSeq, setReadSeq] = createSignal(
    threadId === undefined && room.unread > 0 ? room.readSeq : undefined,
  )
  const toRows = createRows()
  const outgoing = createMemo(() =>
    chat.outbox.all().filter((it) => it.room === room.id && it.threadId === threadId),
  )
  const rows = createMemo(() =>
    toRows(timeline.items(), timeline.hasNewer() ? [] : outgoing(), readSeq(), chat.me),
  )
  const mine = () =>
    timeline.items().filter(({ sender, deletedAt }) => sender === chat.me && !deletedAt)

  return {
    room,
    threadId,
    timeline,
    rows,
    editing,
    setEditing,
    editLast: () => setEditing(mine().at(-1)),
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
      return ask(chat.client, 'msg.react', { notifyId: toNotifyId(item), emoji, on })
    },
    markUnread(item: Item) {
      setReadSeq(item.seq - 1)
      return chat.rooms.markUnread(room.id, item.seq)
    },
  }
}

export const ConversationContext = createContext<Conversation>()

export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext)
  if (!conversation) throw new Error('There is no conversation around this')
  return conversation
}
