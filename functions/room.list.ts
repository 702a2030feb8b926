import { directRoomOf } from '#domain/rooms/direct-room'
import { readCaller } from '#domain/rooms/member'
import { roomsOfUser } from '#domain/rooms/room-list'
import { listBlocked } from '#domain/users/block'
import { defineFunction } from '#runtime'
import { roomList } from '#schema/messages/room'

export default defineFunction(
  roomList,
  async (_input, context) => {
    const me = readCaller(context)
    // If the caller is the only member of a direct room, `with` is the caller.
    const ownDirectRoom = directRoomOf(me, me)
    const [rooms, blocked] = await Promise.all([roomsOfUser(me), listBlocked(me)])
    return {
      rooms: rooms.map(({ other, isRequest, ...room }) => {
        const counterpart = room.id === ownDirectRoom ? me : other
        return {
          ...room,
          ...(isRequest ? { isRequest } : {}),
          ...(counterpart === null ? {} : { with: counterpart }),
          ...(counterpart !== null && blocked.includes(counterpart) ? { isBlocked: true } : {}),
        }
      }),
    }
  },
  { limit: { max: 120, windowMs: 60_000 } },
)
