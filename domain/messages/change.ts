import { inArray } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type NotifyId, readNotifyId, toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { messages } from '#schema/tables/message'
import type { LoggedEvent } from '../log/projection.ts'
import { findMember, type Member } from '../rooms/member.ts'
import { findMessage, toMessage, updateCachedMessage } from './message-cache.ts'

/** What whoever changes a message needs. */
export const recentChanges = [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV] as const

/** A message that the caller may see, and the caller. Throws `forbidden`, also where there is none. */
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

/** Throws `forbidden` for a message of which only its place is left. */
export function requireNotDeleted({ deletedAt }: Message): void {
  if (deletedAt) throw new FunctionError('forbidden', `The message was deleted at ${deletedAt}`)
}

/** How an event says which message it is about. */
export function toTarget({ threadId, ...message }: Message) {
  return { notifyId: toNotifyId(message), ...(threadId === undefined ? {} : { threadId }) }
}

/**
 * Has readers see what became of messages, as the database has it now. Whoever changed them did so
 * already, unless they died on the way.
 */
export async function updateCachedMessages(
  events: readonly LoggedEvent[],
  context: Context,
): Promise<void> {
  const ids = events.flatMap(({ data }) => {
    const isChange = data.kind === 'edit' || data.kind === 'delete'
    // Of what was changed before that, the cache has nothing any more.
    const isCached = isChange && Date.parse(data.at) > Date.now() - MSG_CACHE.ttlMs
    return isCached ? [readNotifyId(data.message.notifyId).id] : []
  })
  if (ids.length === 0) return
  const changed = await db.select().from(messages).where(inArray(messages.id, ids))
  await Promise.all(
    changed.map((row) =>
      updateCachedMessage(toMessage(row), context).catch((error) =>
        // Most likely nobody reads it there either, and what is said goes on being kept.
        context.log.warn({ err: error, id: row.id }, 'the cache is away'),
      ),
    ),
  )
}
