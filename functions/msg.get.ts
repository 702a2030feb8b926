import { findMessage } from '#domain/messages/message-cache'
import { findMember } from '#domain/rooms/member'
import { defineFunction, FunctionError } from '#runtime'
import { msgGet } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

/** Reads the message a notification announced. Having the notification is not enough to see it. */
export default defineFunction(
  msgGet,
  async ({ notifyId }, context) => {
    const message = await findMessage(notifyId, context)
    if (!message || !(await findMember(message.room, context)))
      throw new FunctionError('forbidden', `There is no message ${notifyId} that you may read`)
    return message
  },
  {
    queue: 'msg-get-workers',
    resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
    limit: { max: 3_000, windowMs: 60_000 },
  },
)
