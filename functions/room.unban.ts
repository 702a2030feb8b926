import { unbanUser } from '#domain/rooms/bans'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { roomUnban } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomUnban,
  async ({ room, userId }, context) => {
    requireRight(await requireMember(room, context), 'kick')
    await unbanUser({ room, userId }, context)
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
