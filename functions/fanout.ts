import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/event'

/** Broadcasts an event that CHAT_MESSAGES has stored to the room's audience. */
export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
