import { readCaller } from '#domain/rooms/member'
import { countMembers, listFirstMembers, requireVisibleRoom } from '#domain/rooms/room-info'
import { defineFunction } from '#runtime'
import { roomInfo } from '#schema/messages/room'

const maxMembers = 500

export default defineFunction(
  roomInfo,
  async ({ room: id }, context) => {
    const { room, role, createdAt, isReadable } = await requireVisibleRoom(id, readCaller(context))
    const [members, count] = await Promise.all([
      isReadable ? listFirstMembers(id, maxMembers) : [],
      countMembers(id),
    ])
    return {
      room,
      createdAt: createdAt.toISOString(),
      ...(role === null ? {} : { role }),
      count,
      members,
    }
  },
  { limit: { max: 300, windowMs: 60_000 } },
)
