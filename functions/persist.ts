import { persist } from '#domain/log/projection'
import { updateCachedMessages } from '#domain/messages/change'
import { defineFunction, stream } from '#runtime'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE } from '#schema/streams'

/**
 * Persists room events from the stream CHAT_MESSAGES, and updates the cached messages that these
 * events edit or delete.
 */
export default defineFunction(
  stream(CHAT_MESSAGES, chatRoom, { batch: 500 }),
  async (events, context) => {
    await persist(events, context)
    await updateCachedMessages(events, context)
  },
  { queue: 'persist-workers', resources: [CHAT_MESSAGES, MSG_CACHE] },
)
