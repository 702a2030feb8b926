import { createHmac } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import * as v from 'valibot'
import { type Context, defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type ClientId, type MessageId, type RoomId, toNotifyId, type UserId } from '#schema/ids'
import { chatMessage, deliverNotify, type Message, roomNotify, send } from '#schema/messages/chat'
import { CHAT_MESSAGES, duplicateWindowMs, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { listMembers, requireMember } from './_member.ts'
import { cacheMessage, readLog, toMessage } from './_message.ts'

const Env = v.object({
  NATTER_ID_KEY: v.pipe(
    v.string(),
    v.minLength(32, 'NATTER_ID_KEY must have 32 characters or more'),
  ),
})

/**
 * Says something in a room: looks whether the caller belongs there, writes to the log, and tells the
 * room once the log has it. Sent again, the same message is told again and said once.
 */
export default defineFunction(
  send,
  async ({ room, clientId, text }, context) => {
    const { user: sender, kind } = await requireMember(room, context)

    const earlier = wasJustMade(clientId) ? undefined : await findInDatabase(sender, clientId)
    if (earlier) return answerAgain(earlier, room, text)

    const id = deriveId(context.env.NATTER_ID_KEY, sender, clientId)
    const entry = { id, room, sender, clientId, text, at: new Date().toISOString() }
    const [{ seq, duplicate }, listeners] = await Promise.all([
      context.append(chatMessage, entry, { id: `${sender}.${clientId}` }),
      kind === 'private' ? listMembers(room, context) : undefined,
    ])
    const message = duplicate ? await readFirst(seq, sender, clientId, context) : { ...entry, seq }
    const answer = answerAgain(message, room, text)

    cacheMessage(message, context)
    const notice = { room, notifyId: toNotifyId(message), seq }
    if (listeners) for (const user of listeners) context.publish(deliverNotify, { ...notice, user })
    else context.publish(roomNotify, notice)
    return answer
  },
  { queue: 'fanout-workers', env: Env, uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV] },
)

/**
 * The first message's answer. A client that says something else under the same id would lose it if
 * that were the answer too, so it is told.
 */
function answerAgain(message: Message, room: RoomId, text: string) {
  if (message.room !== room || message.text !== text)
    throw new FunctionError('conflict', `${message.clientId} was the id of another message`)
  const { id, seq, at } = message
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
