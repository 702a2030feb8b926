import { eq } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type MessageId, type NotifyId, toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { messageChanged } from '#schema/messages/log'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { findMember, type Member } from './_member.ts'
import { findMessage, forgetMessage } from './_message.ts'

/** What whoever changes a message needs. */
export const changes = [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV] as const

/** A message that the caller may see, and the caller. Throws `forbidden`, also where there is none. */
export async function requireMessage(
  notifyId: NotifyId,
  context: Context,
): Promise<{ message: Message; member: Member }> {
  const message = await findMessage(notifyId, context)
  const member = message && (await findMember(message.room, context))
  if (!member)
    throw new FunctionError('forbidden', `There is no message ${notifyId} that you may read`)
  return { message, member }
}

/** Throws `forbidden` for a message of which only its place is left. */
export function requireLiving({ deletedAt }: Message): void {
  if (deletedAt) throw new FunctionError('forbidden', `The message was deleted at ${deletedAt}`)
}

/** How an event says which message it is about. */
export function toTarget({ threadId, ...message }: Message) {
  return { notifyId: toNotifyId(message), ...(threadId === undefined ? {} : { threadId }) }
}

/** The event that made a message what it is, if the database knows of one. */
export async function findChange(id: MessageId): Promise<number | undefined> {
  const [row] = await db
    .select({ seq: messages.editedSeq })
    .from(messages)
    .where(eq(messages.id, id))
  return row?.seq ?? undefined
}

/**
 * Puts an edited message in the place of the one that readers have, in every process; unless it was
 * deleted meanwhile, or edited again, which then stands.
 */
export async function showEdited(message: Message, context: Context): Promise<void> {
  const { id, editedAt = '' } = message
  const cache = context.kv(MSG_CACHE)
  const entry = await cache.get(id)
  const { deletedAt, editedAt: shownAt = '' } = entry?.value ?? {}
  if (deletedAt || shownAt > editedAt) return
  const isShown = entry
    ? await cache.update(id, message, entry.revision)
    : await cache.create(id, message)
  if (!isShown) return showEdited(message, context)
  forgetMessage(id)
  context.publish(messageChanged, { id })
}
