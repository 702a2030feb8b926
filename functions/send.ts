import * as v from 'valibot'
import { type Context, defineFunction, FunctionError, type ParsedInputOf } from '#runtime'
import type { MessageId } from '#schema/ids'
import { type Message, send } from '#schema/messages/chat'
import { chatRoom, chatThread, type Said } from '#schema/messages/log'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { requireMember } from './_member.ts'
import { requireRight } from './_roles.ts'
import { deriveId, findEarlier, findMentions, readFirst, tellSender } from './_send.ts'

const Env = v.object({
  NATTER_ID_KEY: v.pipe(
    v.string(),
    v.minLength(32, 'NATTER_ID_KEY must have 32 characters or more'),
  ),
})

/** For `send.thread` as well. */
export const sendOptions = {
  queue: 'fanout-workers',
  env: Env,
  uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
  limit: { max: 60, windowMs: 30_000 },
  rejected: tellSender,
} as const

/**
 * Says something in a room: looks whether the caller belongs there, writes to the log, and answers
 * once the log has it. `fanout` hears of it from the log and tells the room. Sent again, the same
 * message is said once.
 */
export default defineFunction(send, say, sendOptions)

type Input = ParsedInputOf<typeof send> & { threadId?: MessageId }

export async function say(input: Input, context: Context<v.InferOutput<typeof Env>>) {
  const { room, threadId, clientId, text } = input
  const member = await requireMember(room, context)
  requireRight(member, 'speak')
  const sender = member.user

  const earlier = await findEarlier(sender, clientId)
  if (earlier) return answerAgain(earlier, input)

  const id = deriveId(context.env.NATTER_ID_KEY, sender, clientId)
  const at = new Date().toISOString()
  const mentions = findMentions(text)
  const said: Said = { kind: 'message', id, room, sender, clientId, text, mentions, at }
  const once = { id: `${sender}.${clientId}` }
  const { seq, duplicate } =
    threadId === undefined
      ? await context.append(chatRoom, said, once)
      : await context.append(chatThread, { ...said, threadId }, once)
  if (!duplicate) return { id, seq, at }
  return answerAgain(await readFirst(seq, sender, clientId, context), input)
}

/**
 * The first message's answer. A client that says something else under the same id would lose it if
 * that were the answer too, so it is told. What was edited or deleted since cannot be compared.
 */
function answerAgain(message: Message, { room, threadId, text }: Input) {
  const { id, seq, at, editedAt, deletedAt } = message
  const isOther = message.text !== text && !editedAt && !deletedAt
  if (message.room !== room || message.threadId !== threadId || isOther)
    throw new FunctionError('conflict', `${message.clientId} was the id of another message`)
  return { id, seq, at }
}
