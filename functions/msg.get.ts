import { findMessage } from '#domain/messages/message-cache'
import { mayRead } from '#domain/rooms/reader'
import { defineFunction, FunctionError } from '#runtime'
import { msgGet } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  msgGet,
  async ({ notifyId }, context) => {
    const message = await findMessage(notifyId, context)
    if (!message || !(await mayRead(message.room, context)))
      throw new FunctionError(
        'forbidden',
        `Message ${notifyId} does not exist, or you may not read it`,
      )
    return message
  },
  {
    queue: 'msg-get-workers',
    resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
    limit: { max: 3_000, windowMs: 60_000 },
  },
)
