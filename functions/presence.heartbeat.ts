import { renewLease } from '#domain/presence/status'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { presenceHeartbeat } from '#schema/messages/presence'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

export default defineFunction(
  presenceHeartbeat,
  ({ connId }, context) => renewLease(readCaller(context), connId, context),
  {
    queue: 'presence-workers',
    resources: [PRESENCE, PRESENCE_CONN],
    limit: { max: 600, windowMs: 60_000 },
    // The queue is long, because all clients reconnect at once after an outage.
    maxQueued: 10_000,
  },
)
