import { takeWithinBytes } from '#domain/messages/response-size'
import { findPresent } from '#domain/presence/status'
import { findMembers } from '#domain/rooms/audience'
import { requireReader } from '#domain/rooms/reader'
import { defineFunction } from '#runtime'
import { presenceRoom } from '#schema/messages/presence'
import { PRESENCE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  presenceRoom,
  async ({ room }, context) => {
    await requireReader(room, context)
    const members = await findMembers(room, context)
    const present = await findPresent(members, context)
    return { present: Object.fromEntries(takeWithinBytes(present)) }
  },
  {
    queue: 'presence-workers',
    resources: [PRESENCE, ROOMS_KV],
    limit: { max: 600, windowMs: 60_000 },
    maxQueued: 10_000,
  },
)
