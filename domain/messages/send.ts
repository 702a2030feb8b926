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
import { chatRoom, chatThread } from '#schema/messages/event'
import { duplicateWindowMs } from '#schema/streams'
import { messages } from '#schema/tables/message'
import type { IdKeyEnv } from '../auth/id-key.ts'
import type { Member } from '../rooms/member.ts'
import { resolveMentions } from './mentions.ts'
import { readFromLog, toMessage } from './message-cache.ts'

type Input = ParsedInputOf<typeof send> & { threadId?: MessageId; threadBy?: UserId }

/**
 * Appends a message to CHAT_MESSAGES. Idempotent by sender and client id: a retry returns the
 * result of the first call, however late. Throws `conflict` if the sender used the same client id
 * for another message.
 */
export async function sendMessage(input: Input, member: Member, context: Context<IdKeyEnv>) {
  const { room, threadId, threadBy, clientId, text } = input
  const sender = member.user
  requireTextLength(text)
  const existing = await findByClientId(sender, clientId)
  if (existing) return replayResult(existing, input)

  const id = deriveMessageId(context.env.NATTER_ID_KEY, sender, clientId)
  const at = new Date().toISOString()
  const place = { room, isReply: threadId !== undefined, by: member }
  const mentioned = await resolveMentions(text, place, context)
  const message = { kind: 'message' as const, id, room, sender, clientId, text, ...mentioned, at }
  const deduplication = { id: `${sender}.${clientId}` }
  const { seq, duplicate } =
    threadId === undefined
      ? await context.append(chatRoom, message, deduplication)
      : await context.append(chatThread, { ...message, threadId, threadBy }, deduplication)
  if (!duplicate) return { id, seq, at }
  return replayResult(await readOriginal(seq, sender, clientId, context), input)
}

/**
 * Returns the result of the first call for a retry. Throws `conflict` if the content differs, but
 * does not compare the text of a message that was edited or deleted.
 */
function replayResult(message: Message, { room, threadId, text }: Input) {
  const { id, seq, at, editedAt, deletedAt } = message
  const isOtherText = message.text !== text && !editedAt && !deletedAt
  if (message.room !== room || message.threadId !== threadId || isOtherText)
    throw new FunctionError(
      'conflict',
      `Client id ${message.clientId} belongs to another message; use a new one`,
    )
  return { id, seq, at }
}

export function notifySender(error: ErrorBody, { params, data }: RejectedCall, context: Context) {
  const { code, message, retryAfterMs } = error
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

export function requireTextLength(text: string): void {
  if (text.length <= maxTextLength) return
  throw new FunctionError(
    'too_large',
    `The text has ${text.length} characters; the maximum is ${maxTextLength}`,
  )
}

/**
 * Returns true for a UUIDv7 that was created less than half of the stream's duplicate window ago.
 * By forging the creation time, senders can only store a second copy of their own message in
 * CHAT_MESSAGES.
 */
function isRecentClientId(clientId: ClientId): boolean {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(clientId) ?? []
  if (!high || !low) return false
  const ageMs = Date.now() - Number.parseInt(high + low, 16)
  return ageMs >= 0 && ageMs < duplicateWindowMs / 2
}

/**
 * Returns the message id, which is the same for every retry and cannot be guessed without the key.
 * An HMAC is not needed, because SHA-512/256 is not vulnerable to length extension.
 */
export function deriveMessageId(key: string, sender: UserId, clientId: ClientId): MessageId {
  const digest = hash('sha512-256', `${key}\0${sender}\0${clientId}`)
  return digest.slice(0, 32) as MessageId
}

/**
 * Does not query the database if the stream's duplicate window still covers a retry, because the
 * stream then detects the duplicate itself.
 */
async function findByClientId(sender: UserId, clientId: ClientId) {
  return isRecentClientId(clientId) ? undefined : findInDatabase(sender, clientId)
}

async function findInDatabase(sender: UserId, clientId: ClientId) {
  const hasClientId = and(eq(messages.sender, sender), eq(messages.clientId, clientId))
  const [row] = await db.select().from(messages).where(hasClientId)
  return row && toMessage(row)
}

async function readOriginal(seq: number, sender: UserId, clientId: ClientId, context: Context) {
  const message = (await readFromLog(seq, context)) ?? (await findInDatabase(sender, clientId))
  if (message) return message
  throw new FunctionError(
    'unavailable',
    `Message ${seq} is stored but cannot be read now; try again`,
  )
}
