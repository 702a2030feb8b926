import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/event'

export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
