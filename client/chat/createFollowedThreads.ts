import type { MessageId, UserId } from '#schema/ids'
import type { MessageSent, Notice } from '#schema/messages/event'
import type { LocalStore } from './localStore.ts'

export type FollowedThreads = ReturnType<typeof createFollowedThreads>

const [key, maxThreads] = ['threads', 500]

/**
 * The threads that somebody follows: those they began, on whatever machine, and those they wrote in, as
 * far as this browser has heard it.
 */
export function createFollowedThreads(store: LocalStore, me: UserId) {
  const read = () => store.readNow<MessageId[]>(key) ?? []

  return {
    /** What we say in a thread ourselves makes it one of ours. */
    note({ sender, threadId }: Pick<MessageSent, 'sender' | 'threadId'>) {
      if (threadId === undefined || sender !== me) return
      store.writeNow(key, [...read().filter((it) => it !== threadId), threadId].slice(-maxThreads))
    },
    isFollowed: ({ threadId, threadBy }: Notice): boolean =>
      threadId !== undefined && (threadBy === me || read().includes(threadId)),
  }
}
