import { IdKeyEnv } from '#domain/auth/id-key'
import { notifySender, sendMessage } from '#domain/messages/send'
import { prefetchMember, requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { send } from '#schema/messages/chat'
import { CHAT_MESSAGES, PRESENCE, ROOMS_KV } from '#schema/streams'

export default defineFunction(
  send,
  async (input, context) => {
    const member = await requireMember(input.room, context)
    requireRight(member, 'speak')
    return sendMessage(input, member, context)
  },
  {
    queue: 'fanout-workers',
    env: IdKeyEnv,
    resources: [CHAT_MESSAGES, PRESENCE, ROOMS_KV],
    limit: { max: 60, windowMs: 30_000 },
    prefetch: ({ params }, context) => prefetchMember(params.room, context),
    onRejected: notifySender,
  },
)
