import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/event'

/** Broadcasts a thread message that CHAT_MESSAGES has stored to the room's audience. */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
