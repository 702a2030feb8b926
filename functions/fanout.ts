import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/event'

/** Tells a room what has happened in it, as soon as the log has it. */
export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
