import { notifySender, SendEnv, sendMessage } from '#domain/messages/send'
import { prefetchMember, requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { send } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'

/**
 * Says something in a room: looks whether the caller belongs there and may speak, and answers once
 * the log has it. `fanout` hears of it from the log and tells the room.
 */
export default defineFunction(
  send,
  async (input, context) => {
    const member = await requireMember(input.room, context)
    requireRight(member, 'speak')
    return sendMessage(input, member.user, context)
  },
  {
    queue: 'fanout-workers',
    env: SendEnv,
    resources: [CHAT_MESSAGES, ROOMS_KV],
    limit: { max: 60, windowMs: 30_000 },
    prefetch: ({ params }, context) => prefetchMember(params.room, context),
    onRejected: notifySender,
  },
)
