import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/event'

/**
 * Broadcasts a room event to the room's audience as soon as the stream CHAT_MESSAGES has stored it.
 */
export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
