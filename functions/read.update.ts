import { clampToRoomHead, findReadPosition, saveReadPosition } from '#domain/messages/read-position'
import { markThreadsRead } from '#domain/messages/thread-state'
import { countUnread } from '#domain/messages/unread-count'
import { requireMember } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { deliverRead, readUpdate } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  readUpdate,
  async ({ room, seq: requested, unread: back, threads: withThreads }, context) => {
    const { user } = await requireMember(room, context)
    const target = await clampToRoomHead(room, requested, context)
    const moved = await saveReadPosition({ room, user, seq: target, back })
    const threads = withThreads && (await markThreadsRead(room, user, target))
    const seq = moved ?? (await findReadPosition(room, user))

    const state = { seq, ...(await countUnread(room, seq, user)) }
    if (moved !== undefined || threads)
      context.publish(deliverRead, { user, room, ...state, back, threads })
    return state
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 600, windowMs: 60_000 } },
)
