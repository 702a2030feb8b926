import type { MessageId, UserId } from '#schema/ids'
import type { MessageSent, Notice } from '#schema/messages/event'
import type { LocalStore } from './localStore.ts'

export type FollowedThreads = ReturnType<typeof createFollowedThreads>

const [key, maxThreads] = ['threads', 500]

/**
 * Tracks the threads that the user follows: threads that the user started or replied in. Replies are
 * recorded in this browser only.
 */
export function createFollowedThreads(store: LocalStore, me: UserId) {
  const read = () => store.readNow<MessageId[]>(key) ?? []

  return {
    record({ sender, threadId }: Pick<MessageSent, 'sender' | 'threadId'>) {
      if (threadId === undefined || sender !== me) return
      store.writeNow(key, [...read().filter((id) => id !== threadId), threadId].slice(-maxThreads))
    },
    isFollowed: ({ threadId, threadBy }: Notice): boolean =>
      threadId !== undefined && (threadBy === me || read().includes(threadId)),
  }
}
