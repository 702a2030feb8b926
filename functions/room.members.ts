import { takeWithinBytes } from '#domain/messages/response-size'
import { listMembers } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { roomMembers } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  roomMembers,
  async ({ room, after = '' }, context) => {
    const all = await listMembers(room, context)
    const remaining = all.filter((user) => user > after).sort()
    const members = takeWithinBytes(remaining)
    const next = members.length < remaining.length ? members.at(-1) : undefined
    return { members, ...(next === undefined ? {} : { next }) }
  },
  { queue: 'room-members-workers', resources: [ROOMS_KV] },
)
