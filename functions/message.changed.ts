import { evictMessage } from '#domain/messages/message-cache'
import { endRunsOf } from '#domain/translation/runs'
import { defineFunction, event } from '#runtime'
import { messageChanged } from '#schema/messages/event'

/**
 * Has no queue group, because each process evicts the message from its own cache, and ends its own
 * translations of the message.
 */
export default defineFunction(event(messageChanged), ({ id }) => {
  evictMessage(id)
  endRunsOf(id)
})
