import { createStore } from 'solid-js/store'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { FollowedThread } from '#schema/messages/thread'
import { isMentioned } from '#schema/text/group-names'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

export type Threads = ReturnType<typeof createThreads>

export function createThreads(client: ChatClient, me: UserId) {
  const [byId, setThreads] = createStore<Record<MessageId, FollowedThread>>({})
  /** Read positions that this page has set in threads, even in threads that the user does not follow. */
  const readHere = new Map<MessageId, number>()

  return {
    byId: byId as Readonly<Record<MessageId, FollowedThread | undefined>>,
    async load() {
      const { threads } = await callWithRetry(client, 'thread.list', {})
      for (const thread of threads) {
        const current = byId[thread.threadId]
        // The response may be older than a reply that this page has received, or than a read
        // position that it has set.
        const isStale =
          current && (current.lastSeq > thread.lastSeq || current.readSeq > thread.readSeq)
        if (!isStale) setThreads(thread.threadId, thread)
      }
    },
    isFollowed: ({ threadId, threadBy }: Notice): boolean =>
      threadId !== undefined && (threadBy === me || byId[threadId] !== undefined),
    unreadIn: (room: RoomId): FollowedThread[] =>
      Object.values(byId).filter((thread) => thread.room === room && thread.unread > 0),
    receive({ room, seq, threadId, threadBy, event }: Notice) {
      if (threadId === undefined || event?.kind !== 'message') return
      const current = byId[threadId]
      const isOwn = event.sender === me
      const isMention = isMentioned(event.mentions, me)
      if (!current && !isOwn && !isMention && threadBy !== me) return
      if (current && seq <= current.lastSeq) return
      const { unread = 0, mentions = 0, readSeq = threadBy === me ? 0 : seq - 1 } = current ?? {}
      setThreads(threadId, {
        ...{ room, threadId, lastSeq: seq },
        ...(isOwn
          ? { readSeq: seq, unread: 0, mentions: 0 }
          : { readSeq, unread: unread + 1, mentions: mentions + Number(isMention) }),
      })
    },
    isRead: (id: MessageId, seq: number): boolean =>
      seq <= Math.max(byId[id]?.readSeq ?? 0, readHere.get(id) ?? 0),
    setRead(room: RoomId, seq: number, id?: MessageId) {
      if (id !== undefined) readHere.set(id, Math.max(seq, readHere.get(id) ?? 0))
      for (const { threadId, lastSeq, readSeq, ...thread } of Object.values(byId))
        if (thread.room === room && (id ?? threadId) === threadId && readSeq < seq)
          setThreads(threadId, {
            readSeq: seq,
            ...(seq >= lastSeq ? { unread: 0, mentions: 0 } : {}),
          })
    },
  }
}
