import { inArray } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type NotifyId, readNotifyId, toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import type { LoggedEvent } from '../log/projection.ts'
import { findMember, type Member } from '../rooms/member.ts'
import { eraseTranslations } from '../translation/cache.ts'
import { findMessage, toMessage, updateCachedMessage } from './message-cache.ts'

export const messageResources = [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV] as const

/**
 * Throws the same `forbidden` error for a message that does not exist and for a message in a room
 * of which the caller is not a member.
 */
export async function requireMessage(
  notifyId: NotifyId,
  context: Context,
): Promise<{ message: Message; member: Member }> {
  const message = await findMessage(notifyId, context, { fresh: true })
  const member = message && (await findMember(message.room, context))
  if (!member)
    throw new FunctionError('forbidden', `There is no message ${notifyId} that you may read`)
  return { message, member }
}

export function requireNotDeleted({ deletedAt }: Message): void {
  if (deletedAt) throw new FunctionError('forbidden', `The message was deleted at ${deletedAt}`)
}

export function toTarget({ threadId, ...message }: Message) {
  return { notifyId: toNotifyId(message), ...(threadId === undefined ? {} : { threadId }) }
}

/**
 * Updates the buckets MSG_CACHE and TRANSLATE_CACHE from the database after edits and deletions. This
 * is only needed if the process of `msg.edit` or `msg.delete` died before it updated them.
 */
export async function updateCachedMessages(
  events: readonly LoggedEvent[],
  context: Context,
): Promise<void> {
  const ids = events.flatMap(({ data }) => {
    const isChange = data.kind === 'edit' || data.kind === 'delete'
    // If a change is older than the TTL of MSG_CACHE, the message's entry has expired and needs no
    // update.
    const isCached = isChange && Date.parse(data.at) > Date.now() - MSG_CACHE.ttlMs
    return isCached ? [readNotifyId(data.message.notifyId).id] : []
  })
  if (ids.length === 0) return
  const rows = await db.select().from(messages).where(inArray(messages.id, ids))
  await Promise.all(
    rows.map((row) =>
      updateCaches(toMessage(row), context).catch((error) =>
        // An error is only logged, because `persist` must continue while the caches are
        // unavailable.
        context.log.warn(
          { err: error, id: row.id },
          'message cache unavailable, entry not updated',
        ),
      ),
    ),
  )
}

async function updateCaches(message: Message, context: Context): Promise<void> {
  await updateCachedMessage(message, context)
  if (message.deletedAt) await eraseTranslations(message.id, context)
}
