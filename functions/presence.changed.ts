import { cacheStatus } from '#domain/presence/status'
import { defineFunction, event } from '#runtime'
import { presenceChanged } from '#schema/messages/presence'

/** Hears who is seen differently: in every process, since each remembers for itself. */
export default defineFunction(event(presenceChanged), cacheStatus)
