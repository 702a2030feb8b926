import { createHmac } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import * as v from 'valibot'
import { type Context, type ErrorBody, FunctionError, type RejectedCall } from '#runtime'
import { db } from '#schema/db'
import { ClientId, type MessageId, RoomId, UserId } from '#schema/ids'
import { deliverRejected } from '#schema/messages/chat'
import { duplicateWindowMs } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { readLog, toMessage } from './_message.ts'

/** Who publishes and does not ask would not hear of a refusal otherwise. */
export function tellSender(refusal: ErrorBody, { params, data }: RejectedCall, context: Context) {
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
export function deriveId(key: string, sender: UserId, clientId: ClientId): MessageId {
  const digest = createHmac('sha256', key).update(`${sender}\0${clientId}`).digest()
  return digest.toString('hex', 0, 16) as MessageId
}

/** What was said under a client id before; undefined also where the log itself will tell. */
export async function findEarlier(sender: UserId, clientId: ClientId) {
  return wasJustMade(clientId) ? undefined : findInDatabase(sender, clientId)
}

async function findInDatabase(sender: UserId, clientId: ClientId) {
  const mine = and(eq(messages.sender, sender), eq(messages.clientId, clientId))
  const [row] = await db.select().from(messages).where(mine)
  return row && toMessage(row)
}

/** What the log took the first time, wherever it is now. */
export async function readFirst(seq: number, sender: UserId, clientId: ClientId, context: Context) {
  const message = (await readLog(seq, context)) ?? (await findInDatabase(sender, clientId))
  if (message) return message
  throw new FunctionError('unavailable', `Message ${seq} is said and cannot be read now; try again`)
}
