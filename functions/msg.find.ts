import { findMessageById } from '#domain/messages/message-cache'
import { requireMember } from '#domain/rooms/member'
import { type Context, defineFunction, FunctionError } from '#runtime'
import type { MessageId, RoomId } from '#schema/ids'
import { msgFind } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

/** Finds where a message of a room stands, so that a link to it can show what surrounds it. */
export default defineFunction(
  msgFind,
  async ({ room, id }, context) => {
    await requireMember(room, context)
    const { seq, threadId } = await requireMessage(room, id, context)
    if (threadId === undefined) return { seq }
    const first = await requireMessage(room, threadId, context)
    return { seq, thread: { id: first.id, seq: first.seq } }
  },
  { resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)

/** Throws the same for a message of another room as for none. */
async function requireMessage(room: RoomId, id: MessageId, context: Context) {
  const message = await findMessageById(room, id, context)
  if (!message) throw new FunctionError('not_found', `There is no message ${id} in this room`)
  return message
}
