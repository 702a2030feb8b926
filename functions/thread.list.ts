import { listFollowedThreads } from '#domain/messages/thread-state'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { threadList } from '#schema/messages/thread'

export default defineFunction(
  threadList,
  async (_input, context) => ({ threads: await listFollowedThreads(readCaller(context), context) }),
  { limit: { max: 120, windowMs: 60_000 } },
)
