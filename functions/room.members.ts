import { takeWithinBytes } from '#domain/messages/response-size'
import { listMembers } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { roomMembers } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'

/** Lists who belongs to a room, for other functions. */
export default defineFunction(
  roomMembers,
  async ({ room, after = '' }, context) => {
    const present = await listMembers(room, context)
    const left = present.filter((user) => user > after).sort()
    const members = takeWithinBytes(left)
    const next = members.length < left.length ? members.at(-1) : undefined
    return { members, ...(next === undefined ? {} : { next }) }
  },
  { queue: 'room-members-workers', resources: [ROOMS_KV] },
)
