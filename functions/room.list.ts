import { directRoomOf } from '#domain/rooms/direct-room'
import { readCaller } from '#domain/rooms/member'
import { roomsOfUser } from '#domain/rooms/room-list'
import { defineFunction } from '#runtime'
import { roomList } from '#schema/messages/room'

export default defineFunction(
  roomList,
  async (_input, context) => {
    const me = readCaller(context)
    // If the caller is the only member of a direct room, `with` is the caller.
    const ownDirectRoom = directRoomOf(me, me)
    const rooms = await roomsOfUser(me)
    return {
      rooms: rooms.map(({ other, ...room }) => {
        const counterpart = room.id === ownDirectRoom ? me : other
        return counterpart === null ? room : { ...room, with: counterpart }
      }),
    }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
