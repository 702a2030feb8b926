import { eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import { type NotifyId, readNotifyId, toNotifyId } from '#schema/ids'
import { chatMessage, type Message } from '#schema/messages/chat'
import { CHAT_MESSAGES, MSG_CACHE } from '#schema/streams'
import { messages } from '#schema/tables/message'

/** What this process said or read last. Many who ask for one message at once make one read. */
const recent = new LRUCache<NotifyId, Message, Context>({
  max: 2_000,
  ignoreFetchAbort: true,
  fetchMethod: async (notifyId, _stale, { context }) =>
    (await context.kv(MSG_CACHE).get(notifyId))?.value ??
    (await readFromLog(notifyId, context)) ??
    (await readFromDatabase(notifyId)),
})

/**
 * The message behind a notification, from the nearest place that has it; undefined if none does.
 * Whether the caller may see it is for the function to find out.
 */
export function findMessage(notifyId: NotifyId, context: Context): Promise<Message | undefined> {
  return recent.fetch(notifyId, { context })
}

/** Keeps a message where readers look first. The log has it anyway, so nobody waits for this. */
export function cacheMessage(message: Message, context: Context): void {
  const notifyId = toNotifyId(message)
  recent.set(notifyId, message)
  context
    .kv(MSG_CACHE)
    .put(notifyId, message)
    .catch((error) => context.log.warn({ error }, 'message not cached; readers find it in the log'))
}

/** A message of the log by its sequence. */
export async function readLog(seq: number, context: Context): Promise<Message | undefined> {
  const stored = await context.read(CHAT_MESSAGES, chatMessage, seq)
  return stored && { ...stored.data, seq }
}

async function readFromLog(notifyId: NotifyId, context: Context) {
  const { seq, id } = readNotifyId(notifyId)
  const message = await readLog(seq, context)
  // Whoever makes up an id may hit the place of another message.
  return message?.id === id ? message : undefined
}

async function readFromDatabase(notifyId: NotifyId) {
  const { id } = readNotifyId(notifyId)
  const [row] = await db.select().from(messages).where(eq(messages.id, id))
  return row && toMessage(row)
}

/** A row as it is shown. */
export function toMessage(row: typeof messages.$inferSelect): Message {
  return { ...row, at: row.at.toISOString() }
}
