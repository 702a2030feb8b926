import { findLastPersisted, persist } from '#domain/log/projection'
import { defineFunction, stream } from '#runtime'
import { chatThread } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

export default defineFunction(
  stream(CHAT_MESSAGES, chatThread, {
    batch: 500,
    maxWaitMs: Number.POSITIVE_INFINITY,
    storedUpTo: findLastPersisted,
  }),
  persist,
  {
    queue: 'persist-workers',
  },
)
