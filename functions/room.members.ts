import { defineFunction } from '#runtime'
import { roomMembers } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { listMembers } from './_member.ts'

/** Lists who belongs to a room, for other functions. */
export default defineFunction(
  roomMembers,
  async ({ room }, context) => ({ members: await listMembers(room, context) }),
  { queue: 'room-members-workers', uses: [ROOMS_KV] },
)
