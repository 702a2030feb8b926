import { publishUpdate } from '#domain/apps/announce'
import { defineFunction, event } from '#runtime'
import { appUpdated } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  event(appUpdated, { queue: 'app-fanout-workers' }),
  publishUpdate,
  // An update is never broadcast if the queue is full, and calls mostly wait for the list of members.
  { concurrency: 4_000, maxQueued: 16_000, resources: [ROOMS_KV] },
)
