import { readLogId } from '#domain/log/persisted-sequence'
import { directRoomOf } from '#domain/rooms/direct-room'
import { readCaller } from '#domain/rooms/member'
import { roomsOfUser } from '#domain/rooms/room-list'
import { listBlocked } from '#domain/users/block'
import { type Context, defineFunction } from '#runtime'
import { roomList } from '#schema/messages/room'
import { CHAT_MESSAGES } from '#schema/streams'

const maxWaitMs = 500

export default defineFunction(
  roomList,
  async (_input, context) => {
    const me = readCaller(context)
    // If the caller is the only member of a direct room, `with` is the caller.
    const ownDirectRoom = directRoomOf(me, me)
    const [rooms, blocked, log] = await Promise.all([
      roomsOfUser(me),
      listBlocked(me),
      readLogIdSoon(context),
    ])
    return {
      ...(log === undefined ? {} : { log }),
      rooms: rooms.map(({ other, isRequest, lastAt, ...room }) => {
        const counterpart = room.id === ownDirectRoom ? me : other
        return {
          ...room,
          ...(lastAt ? { lastAt: lastAt.toISOString() } : {}),
          ...(isRequest ? { isRequest } : {}),
          ...(counterpart === null ? {} : { with: counterpart }),
          ...(counterpart !== null && blocked.includes(counterpart) ? { isBlocked: true } : {}),
        }
      }),
    }
  },
  { resources: [CHAT_MESSAGES], limit: { max: 120, windowMs: 60_000 } },
)

/**
 * Returns undefined if JetStream does not answer in time. The answer of `room.list` then has no
 * `log`.
 */
function readLogIdSoon(context: Context): Promise<string | undefined> {
  const timeout = new Promise<undefined>((resolve) => setTimeout(resolve, maxWaitMs, undefined))
  return Promise.race([readLogId(context).catch(() => undefined), timeout])
}
