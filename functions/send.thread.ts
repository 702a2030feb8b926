import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, defineFunction, FunctionError } from '#runtime'
import type { MessageId } from '#schema/ids'
import { sendThread } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { expectMember, requireMember } from './_member.ts'
import { findMessageById } from './_message.ts'
import { requireRight } from './_roles.ts'
import { SendEnv, say, tellSender } from './_send.ts'

/** Says something in a thread: under a message of the room that is in no thread itself. */
export default defineFunction(
  sendThread,
  async (input, context) => {
    const member = await requireMember(input.room, context)
    requireRight(member, 'speak')
    const first = await findFirst(input.threadId, context)
    if (first?.room !== input.room || first.threadId !== undefined)
      throw new FunctionError('forbidden', `There is no message ${input.threadId} in this room`)
    return say({ ...input, threadBy: first.sender }, member.user, context)
  },
  {
    queue: 'fanout-workers',
    env: SendEnv,
    uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
    limit: { max: 60, windowMs: 30_000 },
    meanwhile: ({ params }, context) => expectMember(params.room, context),
    rejected: tellSender,
  },
)

/** What was said this very moment may be neither in the cache nor in the database yet. */
async function findFirst(id: MessageId, context: Context) {
  for (let attempt = 1; ; attempt++) {
    const found = await findMessageById(id, context)
    if (found || attempt === 5) return found
    await sleep(50 * attempt)
  }
}
