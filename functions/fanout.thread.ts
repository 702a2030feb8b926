import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/event'

/**
 * Broadcasts a thread message to the room's audience as soon as the stream CHAT_MESSAGES has stored
 * it.
 */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
