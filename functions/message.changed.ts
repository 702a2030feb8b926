import { evictMessage } from '#domain/messages/message-cache'
import { defineFunction, event } from '#runtime'
import { messageChanged } from '#schema/messages/event'

/**
 * Evicts a changed message from this process's cache. Has no queue group, because each process has
 * its own cache.
 */
export default defineFunction(event(messageChanged), ({ id }) => evictMessage(id))
