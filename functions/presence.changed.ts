import { cacheStatus } from '#domain/presence/status'
import { defineFunction, event } from '#runtime'
import { presenceChanged } from '#schema/messages/presence'

/**
 * Caches a changed status in this process. Has no queue group, because each process has its own
 * cache.
 */
export default defineFunction(event(presenceChanged), cacheStatus)
