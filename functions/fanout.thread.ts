import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/event'

/** Tells a room what was said in one of its threads, as soon as the log has it. */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
