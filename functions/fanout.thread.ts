import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/event'

/** Broadcasts a thread message to the room's audience as soon as it is stored. */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
