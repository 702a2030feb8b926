import { listBans } from '#domain/rooms/bans'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { roomBans } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomBans,
  async ({ room }, context) => {
    requireRight(await requireMember(room, context), 'kick')
    return { bans: await listBans(room) }
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
