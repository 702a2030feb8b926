import { defineFunction } from '#runtime'
import { presenceRoom } from '#schema/messages/presence'
import { PRESENCE, ROOMS_KV } from '#schema/streams'
import { findMembers } from './_audience.ts'
import { requireMember } from './_member.ts'
import { findPresent } from './_presence.ts'
import { takeFitting } from './_size.ts'

/** Shows who of a room is there, and how. */
export default defineFunction(
  presenceRoom,
  async ({ room }, context) => {
    await requireMember(room, context)
    const members = await findMembers(room, context)
    const present = await findPresent(members, context)
    return { present: Object.fromEntries(takeFitting(present)) }
  },
  {
    queue: 'presence-workers',
    uses: [PRESENCE, ROOMS_KV],
    limit: { max: 600, windowMs: 60_000 },
    waiting: 10_000,
  },
)
