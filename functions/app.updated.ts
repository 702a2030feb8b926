import { findMembers } from '#domain/rooms/audience'
import { defineFunction, event } from '#runtime'
import { appUpdated, deliverAppUpdated } from '#schema/messages/app'

export default defineFunction(
  event(appUpdated, { queue: 'app-fanout-workers' }),
  async (update, context) => {
    const members = await findMembers(update.room, context)
    context.publishEach(deliverAppUpdated, 'user', members, update)
  },
  // An update is never broadcast if the queue is full, and calls mostly wait for the list of members.
  { concurrency: 4_000, maxQueued: 16_000 },
)
