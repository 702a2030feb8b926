import { publishUpdate } from '#domain/apps/announce'
import { defineFunction, event } from '#runtime'
import { appUpdated } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  event(appUpdated, { queue: 'app-fanout-workers' }),
  publishUpdate,
  // The queue is long, because an update that arrives at a full queue is never broadcast. The concurrency is
  // high, because most calls only wait for the list of members.
  { concurrency: 4_000, maxQueued: 16_000, resources: [ROOMS_KV] },
)
