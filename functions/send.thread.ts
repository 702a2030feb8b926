import { IdKeyEnv } from '#domain/auth/id-key'
import { notifySender, sendMessage } from '#domain/messages/send'
import { requireThreadRoot } from '#domain/messages/thread-root'
import { prefetchMember, requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { sendThread } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  sendThread,
  async (input, context) => {
    const member = await requireMember(input.room, context)
    requireRight(member, 'speak')
    const first = await requireThreadRoot(input.room, input.threadId, context)
    return sendMessage({ ...input, threadBy: first.sender }, member, context)
  },
  {
    queue: 'fanout-workers',
    env: IdKeyEnv,
    resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
    limit: { max: 60, windowMs: 30_000 },
    prefetch: ({ params }, context) => prefetchMember(params.room, context),
    onRejected: notifySender,
  },
)
