import { fanOut, fanoutOptions } from '#domain/messages/fan-out'
import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/event'

export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, fanoutOptions)
