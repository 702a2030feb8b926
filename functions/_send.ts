import { createHmac } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import * as v from 'valibot'
import { type Context, type ErrorBody, FunctionError, type RejectedCall } from '#runtime'
import { db } from '#schema/db'
import { ClientId, type MessageId, RoomId, UserId } from '#schema/ids'
import { deliverRejected, type Message } from '#schema/messages/chat'
import { chatRoom, chatThread, type Said } from '#schema/messages/log'
import { CHAT_MESSAGES, duplicateWindowMs, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { requireMember } from './_member.ts'
import { readLog, toMessage } from './_message.ts'
import { requireRight } from './_roles.ts'

const Env = v.object({
  NATTER_ID_KEY: v.pipe(
    v.string(),
    v.minLength(32, 'NATTER_ID_KEY must have 32 characters or more'),
  ),
})

/** What `send` and `send.thread` have in common. */
export const sendOptions = {
  queue: 'fanout-workers',
  env: Env,
  uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
  limit: { max: 60, windowMs: 30_000 },
  rejected: tellSender,
} as const

interface Input {
  room: RoomId
  threadId?: MessageId
  clientId: ClientId
  text: string
}

/**
 * Says something in a room: looks whether the caller belongs there, writes to the log and answers
 * once the log has it. `fanout` then hears of it from the log and tells the room. Sent again, the same
 * message is said once.
 */
export async function say(input: Input, context: Context<v.InferOutput<typeof Env>>) {
  const { room, threadId, clientId, text } = input
  const member = await requireMember(room, context)
  requireRight(member, 'speak')
  const sender = member.user

  const earlier = wasJustMade(clientId) ? undefined : await findInDatabase(sender, clientId)
  if (earlier) return answerAgain(earlier, input)

  const said: Said = {
    kind: 'message',
    id: deriveId(context.env.NATTER_ID_KEY, sender, clientId),
    room,
    ...(threadId === undefined ? {} : { threadId }),
    sender,
    clientId,
    text,
    mentions: findMentions(text),
    at: new Date().toISOString(),
  }
  const id = { id: `${sender}.${clientId}` }
  const { seq, duplicate } =
    threadId === undefined
      ? await context.append(chatRoom, said, id)
      : await context.append(chatThread, { ...said, threadId }, id)
  if (duplicate) return answerAgain(await readFirst(seq, sender, clientId, context), input)
  return { id: said.id, seq, at: said.at }
}

/** Who publishes and does not ask would not hear of a refusal otherwise. */
function tellSender(refusal: ErrorBody, { params, data }: RejectedCall, context: Context) {
  const { code, message, retryAfterMs } = refusal
  const user = v.safeParse(UserId, context.caller)
  const room = v.safeParse(RoomId, params.room)
  const clientId = v.safeParse(ClientId, data.clientId)
  if (!user.success || !room.success) return
  context.publish(deliverRejected, {
    user: user.output,
    room: room.output,
    ...(clientId.success ? { clientId: clientId.output } : {}),
    code,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** Whom a text names: `@bob`. Names of nobody are left in: they do no harm. */
export function findMentions(text: string): UserId[] {
  const named = text.matchAll(/(?<![\w@])@([a-z0-9_-]{1,64})(?![\w-])/g)
  return [...new Set([...named].map(([, user]) => user as UserId))].slice(0, 50)
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

/**
 * Whether a client id was made so recently that the log itself still knows whether it has it. Only a
 * UUIDv7 tells; any other costs a look into the database. An id that lies about its age harms nobody
 * but its sender: the log may hold the message twice, under one id, and the database keeps the first.
 */
function wasJustMade(clientId: ClientId): boolean {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(clientId) ?? []
  if (!high || !low) return false
  const age = Date.now() - Number.parseInt(high + low, 16)
  return age >= 0 && age < duplicateWindowMs / 2
}

/** The same for every attempt, and unguessable: 128 bits under a key. */
function deriveId(key: string, sender: UserId, clientId: ClientId): MessageId {
  const digest = createHmac('sha256', key).update(`${sender}\0${clientId}`).digest()
  return digest.toString('hex', 0, 16) as MessageId
}

async function findInDatabase(sender: UserId, clientId: ClientId) {
  const mine = and(eq(messages.sender, sender), eq(messages.clientId, clientId))
  const [row] = await db.select().from(messages).where(mine)
  return row && toMessage(row)
}

/** What the log took the first time, wherever it is now. */
async function readFirst(seq: number, sender: UserId, clientId: ClientId, context: Context) {
  const message = (await readLog(seq, context)) ?? (await findInDatabase(sender, clientId))
  if (message) return message
  throw new FunctionError('unavailable', `Message ${seq} is said and cannot be read now; try again`)
}
