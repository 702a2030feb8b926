import { findMessageById } from '#domain/messages/message-cache'
import { requireReader } from '#domain/rooms/reader'
import { type Context, defineFunction, FunctionError } from '#runtime'
import type { MessageId, RoomId } from '#schema/ids'
import { msgFind } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  msgFind,
  async ({ room, id }, context) => {
    await requireReader(room, context)
    const { seq, threadId } = await requireInRoom(room, id, context)
    if (threadId === undefined) return { seq }
    const first = await requireInRoom(room, threadId, context)
    return { seq, thread: { id: first.id, seq: first.seq } }
  },
  { resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)

/** Throws the same error for a message of another room as for a message that does not exist. */
async function requireInRoom(room: RoomId, id: MessageId, context: Context) {
  const message = await findMessageById(room, id, context)
  if (!message) throw new FunctionError('not_found', `Message ${id} does not exist in room ${room}`)
  return message
}
