import { readCaller } from '#domain/rooms/member'
import { listPublicRooms } from '#domain/rooms/public-rooms'
import { defineFunction } from '#runtime'
import { roomBrowse } from '#schema/messages/room'

export default defineFunction(
  roomBrowse,
  async (query, context) => listPublicRooms({ ...query, caller: readCaller(context) }),
  { limit: { max: 300, windowMs: 60_000 } },
)
