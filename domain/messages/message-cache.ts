import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type MessageId, type NotifyId, type RoomId, readNotifyId, toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom, chatThread, type MessageSent, messageChanged } from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { absent, fetchOrAbsent } from '../cache/ttl.ts'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { applyPendingChanges, readUnpersistedEvents } from '../log/unpersisted.ts'

/**
 * This process's cache in front of MSG_CACHE. `message.changed` evicts entries; if it is lost, the TTL
 * ensures that a deleted text is not returned a second later.
 */
const recent = new LRUCache<MessageId, Message | typeof absent, { seq: number; context: Context }>({
  max: 2_000,
  ttl: 800,
  ignoreFetchAbort: true,
  fetchMethod: (id, _stale, { context: { seq, context }, options }) =>
    fetchOrAbsent(options, () => readMessage(id, seq, context)),
})

/**
 * Returns the current state of a message from the first source that has it: caches, database, log. Does
 * not check the caller's membership. `fresh` skips this process's cache, before a change.
 */
export async function findMessage(
  notifyId: NotifyId,
  context: Context,
  { fresh = false } = {},
): Promise<Message | undefined> {
  const { id, seq } = readNotifyId(notifyId)
  const message = await recent.fetch(id, { context: { seq, context }, forceRefresh: fresh })
  if (!message || message === absent) return undefined
  // A forged notifyId can combine a valid id with another message's sequence.
  return toNotifyId(message) === notifyId ? message : undefined
}

/**
 * Returns a message by its id alone, which cannot address the log: only unpersisted events are searched
 * there. Throws `unavailable` when it is in no cache, and the database or the log is unavailable.
 */
export async function findMessageById(
  room: RoomId,
  id: MessageId,
  context: Context,
): Promise<Message | undefined> {
  // `get` does not start a shared read: without the sequence, it could miss a message in the log.
  const inProcess = recent.get(id)
  const cached = inProcess && inProcess !== absent ? inProcess : await readCached(id, context)
  if (cached) return cached.room === room ? cached : undefined
  const progress = await findPersistedSequence('threads too', context)
  const [row] = await db
    .select()
    .from(messages)
    .where(and(eq(messages.id, id), eq(messages.room, room)))
  if (row) return applyPendingChanges(toMessage(row), progress, context)
  const events = await readUnpersistedEvents(room, [chatRoom, chatThread], progress.seq, context)
  const event = events.find(({ data }) => data.kind === 'message' && data.id === id)
  return event?.data.kind === 'message' ? { ...withoutKind(event.data), seq: event.seq } : undefined
}

/**
 * Caches a new message, unless the cache has a later state of it. An `isInlined` message, which the
 * notification contains, is rarely read: it is written in the background.
 */
export async function cacheMessage(
  message: Message,
  isInlined: boolean,
  context: Context,
): Promise<void> {
  if (isInlined) return context.kv(MSG_CACHE).createInBackground(message.id, message)
  recent.set(message.id, message)
  if (!(await context.kv(MSG_CACHE).create(message.id, message))) evictMessage(message.id)
}

/**
 * Replaces the cached state of a message in all processes, unless it is newer. Callers await this before
 * they answer: until then, readers get the previous text from the cache.
 */
export async function updateCachedMessage(message: Message, context: Context): Promise<void> {
  const { id } = message
  const cache = context.kv(MSG_CACHE)
  const entry = await cache.get(id)
  if (entry && isCurrent(entry.value, message)) return
  const isWritten = entry
    ? await cache.update(id, message, entry.revision)
    : await cache.create(id, message)
  if (!isWritten) return updateCachedMessage(message, context)
  evictMessage(id)
  context.publish(messageChanged, { id })
}

/** A deletion is final, whatever the order in which changes arrive. */
function isCurrent(cached: Message, { editedSeq = 0, deletedAt }: Message): boolean {
  if (cached.deletedAt || deletedAt) return cached.deletedAt !== undefined
  return (cached.editedSeq ?? 0) >= editedSeq
}

/** Evicts a message from this process's cache. */
export function evictMessage(id: MessageId): void {
  recent.delete(id)
}

/** Returns a message as it was sent, by its sequence; undefined if the log has none there. */
export async function readFromLog(seq: number, context: Context): Promise<Message | undefined> {
  try {
    const stored =
      (await context.read(CHAT_MESSAGES, chatRoom, seq)) ??
      (await context.read(CHAT_MESSAGES, chatThread, seq))
    return stored?.data.kind === 'message' ? { ...withoutKind(stored.data), seq } : undefined
  } catch (error) {
    // Not published by a function: the stored data does not match the schema.
    if (error instanceof FunctionError && error.code === 'invalid') return undefined
    throw error
  }
}

export function withoutKind({ kind: _, ...message }: MessageSent): Omit<Message, 'seq'> {
  return message
}

/** Falls back to the log when the database is unavailable or does not have the message yet. */
async function readMessage(id: MessageId, seq: number, context: Context) {
  const cached = await readCached(id, context)
  if (cached) return cached
  const persisted = await undefinedOnFailure(context, 'database', () => readRow(id, context))
  if (persisted) return applyPendingChanges(persisted.message, persisted.progress, context)
  const original = seq > 0 ? await readFromLog(seq, context) : undefined
  if (original?.id !== id) return undefined
  // A deleted message is no longer in the log, so only edits can follow the original.
  const edited = await undefinedOnFailure(context, 'edits', () =>
    applyPendingChanges(original, { seq, caughtUp: false }, context),
  )
  return edited ?? original
}

async function readCached(id: MessageId, context: Context) {
  const entry = await undefinedOnFailure(context, 'cache', () => context.kv(MSG_CACHE).get(id))
  return entry?.value
}

async function readRow(id: MessageId, context: Context) {
  const progress = await findPersistedSequence('rooms', context)
  const [row] = await db.select().from(messages).where(eq(messages.id, id))
  return row && { message: toMessage(row), progress }
}

/** Logs a failure and returns undefined, so that the caller reads from the next source. */
async function undefinedOnFailure<T>({ log }: Context, source: string, read: () => Promise<T>) {
  try {
    return await read()
  } catch (error) {
    log.warn({ err: error, source }, 'source unavailable, reading the message from the next one')
    return undefined
  }
}

export function toMessage(row: typeof messages.$inferSelect): Message {
  const { threadId, at, editedAt, deletedAt, editedSeq, ...rest } = row
  return {
    ...rest,
    at: at.toISOString(),
    ...(threadId === '' ? {} : { threadId }),
    ...(editedAt ? { editedAt: editedAt.toISOString() } : {}),
    ...(deletedAt ? { deletedAt: deletedAt.toISOString() } : {}),
    ...(editedSeq === null ? {} : { editedSeq }),
  }
}
