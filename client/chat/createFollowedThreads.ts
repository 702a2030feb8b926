import type { MessageId, UserId } from '#schema/ids'
import type { Notice, Said } from '#schema/messages/event'
import type { Kept } from './localStore.ts'

export type Threads = ReturnType<typeof createThreads>

const [key, most] = ['threads', 500]

/**
 * The threads that somebody follows: those they began, on whatever machine, and those they wrote in, as
 * far as this browser has heard it.
 */
export function createThreads(kept: Kept, me: UserId) {
  const read = () => kept.readNow<MessageId[]>(key) ?? []

  return {
    /** What we say in a thread ourselves makes it one of ours. */
    note({ sender, threadId }: Pick<Said, 'sender' | 'threadId'>) {
      if (threadId === undefined || sender !== me) return
      kept.writeNow(key, [...read().filter((it) => it !== threadId), threadId].slice(-most))
    },
    isFollowed: ({ threadId, threadBy }: Notice): boolean =>
      threadId !== undefined && (threadBy === me || read().includes(threadId)),
  }
}
