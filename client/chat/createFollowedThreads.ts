import type { MessageId, UserId } from '#schema/ids'
import type { MessageSent, Notice } from '#schema/messages/event'
import type { LocalStore } from './localStore.ts'

export type FollowedThreads = ReturnType<typeof createFollowedThreads>

const [key, maxThreads] = ['threads', 500]

/**
 * Threads that the user follows: those that the user started, and those in which this browser recorded
 * a reply of the user.
 */
export function createFollowedThreads(store: LocalStore, me: UserId) {
  const read = () => store.readNow<MessageId[]>(key) ?? []

  return {
    /** Follows the thread of the message, if the message is a reply that the user has sent. */
    record({ sender, threadId }: Pick<MessageSent, 'sender' | 'threadId'>) {
      if (threadId === undefined || sender !== me) return
      store.writeNow(key, [...read().filter((id) => id !== threadId), threadId].slice(-maxThreads))
    },
    isFollowed: ({ threadId, threadBy }: Notice): boolean =>
      threadId !== undefined && (threadBy === me || read().includes(threadId)),
  }
}
