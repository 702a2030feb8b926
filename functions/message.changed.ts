import { evictMessage } from '#domain/messages/message-cache'
import { defineFunction, event } from '#runtime'
import { messageChanged } from '#schema/messages/event'

/** Has no queue group, because each process evicts the message from its own cache. */
export default defineFunction(event(messageChanged), ({ id }) => evictMessage(id))
