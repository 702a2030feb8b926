import { evictMessage } from '#domain/messages/message-cache'
import { defineFunction, event } from '#runtime'
import { messageChanged } from '#schema/messages/event'

/** Forgets a message that is not what it was: in every process, since each remembers for itself. */
export default defineFunction(event(messageChanged), ({ id }) => evictMessage(id))
