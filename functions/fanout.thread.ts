import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/log'
import { fanOut, fanoutOptions } from './_fanout.ts'

/** Tells a room what was said in one of its threads, as soon as the log has it. */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
