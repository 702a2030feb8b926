import { hash } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import * as v from 'valibot'
import {
  type Context,
  type ErrorBody,
  FunctionError,
  type ParsedInputOf,
  type RejectedCall,
} from '#runtime'
import { db } from '#schema/db'
import { ClientId, type MessageId, RoomId, UserId } from '#schema/ids'
import { deliverRejected, type Message, maxTextLength, type send } from '#schema/messages/chat'
import { chatRoom, chatThread, type MessageSent } from '#schema/messages/event'
import { duplicateWindowMs } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { readFromLog, toMessage } from './message-cache.ts'

export const SendEnv = v.object({
  NATTER_ID_KEY: v.pipe(
    v.string(),
    v.minLength(32, 'NATTER_ID_KEY must have 32 characters or more'),
  ),
})

type Input = ParsedInputOf<typeof send> & { threadId?: MessageId; threadBy?: UserId }

/** Writes to the log, and answers once the log has it. Written again, the same message is said once. */
export async function sendMessage(
  input: Input,
  sender: UserId,
  context: Context<v.InferOutput<typeof SendEnv>>,
) {
  const { room, threadId, threadBy, clientId, text } = input
  requireTextLength(text)
  const earlier = await findByClientId(sender, clientId)
  if (earlier) return replayResult(earlier, input)

  const id = deriveId(context.env.NATTER_ID_KEY, sender, clientId)
  const at = new Date().toISOString()
  const mentions = findMentions(text)
  const said: MessageSent = { kind: 'message', id, room, sender, clientId, text, mentions, at }
  const once = { id: `${sender}.${clientId}` }
  const { seq, duplicate } =
    threadId === undefined
      ? await context.append(chatRoom, said, once)
      : await context.append(chatThread, { ...said, threadId, threadBy }, once)
  if (!duplicate) return { id, seq, at }
  return replayResult(await readOriginal(seq, sender, clientId, context), input)
}

/**
 * The first message's answer. A client that says something else under the same id would lose it if
 * that were the answer too, so it is told. What was edited or deleted since cannot be compared.
 */
function replayResult(message: Message, { room, threadId, text }: Input) {
  const { id, seq, at, editedAt, deletedAt } = message
  const isOther = message.text !== text && !editedAt && !deletedAt
  if (message.room !== room || message.threadId !== threadId || isOther)
    throw new FunctionError('conflict', `${message.clientId} was the id of another message`)
  return { id, seq, at }
}

/** Who publishes and does not ask would not hear of a refusal otherwise. */
export function notifySender(refusal: ErrorBody, { params, data }: RejectedCall, context: Context) {
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

/** Throws `too_large` for what is more than may be said at once. */
export function requireTextLength(text: string): void {
  if (text.length <= maxTextLength) return
  throw new FunctionError('too_large', `The text has ${text.length} of ${maxTextLength} characters`)
}

/** Whom a text names: `@bob`. Names of nobody are left in: they do no harm. */
export function findMentions(text: string): UserId[] {
  const named = text.matchAll(/(?<![\w@])@([a-z0-9_-]{1,64})(?![\w-])/g)
  return [...new Set([...named].map(([, user]) => user as UserId))].slice(0, 50)
}

/**
 * Whether a client id was made so recently that the log itself still knows whether it has it. Only a
 * UUIDv7 tells; any other costs a look into the database. An id that lies about its age harms nobody
 * but its sender: the log may hold the message twice, under one id, and the database keeps the first.
 */
function isRecentClientId(clientId: ClientId): boolean {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(clientId) ?? []
  if (!high || !low) return false
  const age = Date.now() - Number.parseInt(high + low, 16)
  return age >= 0 && age < duplicateWindowMs / 2
}

/**
 * The same for every attempt, and unguessable: 128 bits under a key. SHA-512/256 shows only a part of
 * its state, so that the key may simply stand before: a sixth of what an HMAC takes.
 */
function deriveId(key: string, sender: UserId, clientId: ClientId): MessageId {
  const digest = hash('sha512-256', `${key}\0${sender}\0${clientId}`)
  return digest.slice(0, 32) as MessageId
}

/** What was said under a client id before; undefined also where the log itself will tell. */
async function findByClientId(sender: UserId, clientId: ClientId) {
  return isRecentClientId(clientId) ? undefined : findInDatabase(sender, clientId)
}

async function findInDatabase(sender: UserId, clientId: ClientId) {
  const mine = and(eq(messages.sender, sender), eq(messages.clientId, clientId))
  const [row] = await db.select().from(messages).where(mine)
  return row && toMessage(row)
}

/** What the log took the first time, wherever it is now. */
async function readOriginal(seq: number, sender: UserId, clientId: ClientId, context: Context) {
  const message = (await readFromLog(seq, context)) ?? (await findInDatabase(sender, clientId))
  if (message) return message
  throw new FunctionError('unavailable', `Message ${seq} is said and cannot be read now; try again`)
}
