import { findLastPersisted, persist } from '#domain/log/projection'
import { updateCachedMessages } from '#domain/messages/change'
import { defineFunction, stream } from '#runtime'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE, TRANSLATE_CACHE } from '#schema/streams'

/** While the database is unavailable, the consumer waits without a time limit. The stream keeps the events. */
export default defineFunction(
  stream(CHAT_MESSAGES, chatRoom, {
    batch: 500,
    maxWaitMs: Number.POSITIVE_INFINITY,
    storedUpTo: findLastPersisted,
  }),
  async (events, context) => {
    await persist(events, context)
    await updateCachedMessages(events, context)
  },
  { queue: 'persist-workers', resources: [CHAT_MESSAGES, MSG_CACHE, TRANSLATE_CACHE] },
)
