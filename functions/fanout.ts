import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/log'
import { fanOut, fanoutOptions } from './_fanout.ts'

/** Tells a room what has happened in it, as soon as the log has it. */
export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
