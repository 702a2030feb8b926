import { cacheStatus } from '#domain/presence/status'
import { defineFunction, event } from '#runtime'
import { presenceChanged } from '#schema/messages/presence'

/** Has no queue group, because each process caches statuses. */
export default defineFunction(event(presenceChanged), cacheStatus)
