import { clampToRoomHead, findReadPosition } from '#domain/messages/read-position'
import { requireThreadRoot } from '#domain/messages/thread-root'
import { findThreadPosition, saveThreadPosition } from '#domain/messages/thread-state'
import { countUnread } from '#domain/messages/unread-count'
import { requireMember } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { deliverReadThread, readUpdateThread } from '#schema/messages/thread'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  readUpdateThread,
  async ({ room, threadId, seq: requested }, context) => {
    const { user } = await requireMember(room, context)
    await requireThreadRoot(room, threadId, context)
    const target = await clampToRoomHead(room, requested, context)
    const moved = await saveThreadPosition({ room, threadId, user, seq: target })
    const threadSeq = moved ?? (await findThreadPosition(threadId, user))

    const seq = await findReadPosition(room, user)
    const state = { seq, threadSeq, ...(await countUnread(room, seq, user)) }
    if (moved !== undefined) context.publish(deliverReadThread, { user, room, threadId, ...state })
    return state
  },
  { resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV], limit: { max: 600, windowMs: 60_000 } },
)
