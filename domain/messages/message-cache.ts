import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { type ConsumerProgress, type Context, FunctionError, partitionOf } from '#runtime'
import { db } from '#schema/db'
import { type MessageId, type NotifyId, type RoomId, readNotifyId, toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom, chatThread, type MessageSent, messageChanged } from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { withTimeLimit } from '../cache/time-limit.ts'
import { absent, fetchOrAbsent } from '../cache/ttl.ts'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { applyPendingChanges, readUnpersistedEvents } from '../log/unpersisted.ts'

/**
 * This is well below the timeout of a call: if the database does not answer, there is time left to
 * read the stream.
 */
const databaseTimeoutMs = 1_500

/**
 * The TTL limits how long a deleted text can still be read if the event `message.changed` is lost.
 */
const recent = new LRUCache<MessageId, Message | typeof absent, { seq: number; context: Context }>({
  max: 2_000,
  ttl: 800,
  ignoreFetchAbort: true,
  fetchMethod: (id, _stale, { context: { seq, context }, options }) =>
    fetchOrAbsent(options, () => readMessage(id, seq, context)),
})

/**
 * Returns a message from the first source that has it: this process's cache, MSG_CACHE, the
 * database, CHAT_MESSAGES. Does not check whether the caller is a member of the room. `fresh` skips
 * this process's cache.
 */
export async function findMessage(
  notifyId: NotifyId,
  context: Context,
  { fresh = false } = {},
): Promise<Message | undefined> {
  const { id, seq } = readNotifyId(notifyId)
  const message = await recent.fetch(id, { context: { seq, context }, forceRefresh: fresh })
  if (!message || message === absent) return undefined
  // A forged notifyId can combine a valid message id with the sequence of another message.
  return toNotifyId(message) === notifyId ? message : undefined
}

/**
 * Returns a message by its id, from a cache, the database or the unpersisted events of its room.
 * Throws `unavailable` if the message is not cached, and the database or the stream is unavailable.
 */
export async function findMessageById(
  room: RoomId,
  id: MessageId,
  context: Context,
): Promise<Message | undefined> {
  // Uses `get` instead of `fetch`: `findMessage` would share a read that is started here. Such a read could
  // not find the message in CHAT_MESSAGES, because the sequence of the message is unknown here.
  const inProcess = recent.get(id)
  const cached = inProcess && inProcess !== absent ? inProcess : await readCached(id, context)
  if (cached) return cached.room === room ? cached : undefined
  const progress = await findPersistedSequence({ room }, 'threads too', context)
  const [row] = await db
    .select()
    .from(messages)
    .where(and(eq(messages.id, id), eq(messages.room, room)))
  if (row) return applyPendingChanges(toMessage(row), progress, context)
  const events = await readUnpersistedEvents(room, [chatRoom, chatThread], progress.seq, context)
  const event = events.find(({ data }) => data.kind === 'message' && data.id === id)
  return event?.data.kind === 'message' ? { ...withoutKind(event.data), seq: event.seq } : undefined
}

/** Caches a new message, unless MSG_CACHE already has an entry for it, which may be newer. */
export async function cacheMessage(message: Message, context: Context): Promise<void> {
  recent.set(message.id, message)
  if (!(await context.kv(MSG_CACHE).create(message.id, message))) evictMessage(message.id)
}

/**
 * Replaces the entry of a message in MSG_CACHE, unless the entry is at least as new. Evicts the
 * message from the caches of all processes.
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

/** A deleted message counts as newer than any edit. */
function isCurrent(cached: Message, { editedSeq = 0, deletedAt }: Message): boolean {
  if (cached.deletedAt || deletedAt) return cached.deletedAt !== undefined
  return (cached.editedSeq ?? 0) >= editedSeq
}

export function evictMessage(id: MessageId): void {
  recent.delete(id)
}

export async function readFromLog(seq: number, context: Context): Promise<Message | undefined> {
  try {
    const stored =
      (await context.read(CHAT_MESSAGES, chatRoom, seq)) ??
      (await context.read(CHAT_MESSAGES, chatThread, seq))
    return stored?.data.kind === 'message' ? { ...withoutKind(stored.data), seq } : undefined
  } catch (error) {
    // The stored data does not match the schema, so it is not a message.
    if (error instanceof FunctionError && error.code === 'invalid') return undefined
    throw error
  }
}

export function withoutKind({ kind: _, ...message }: MessageSent): Omit<Message, 'seq'> {
  return message
}

async function readMessage(id: MessageId, seq: number, context: Context) {
  const cached = await readCached(id, context)
  if (cached) return cached
  const progress = await findPersistedSequence({ seq }, 'rooms', context)
  const persisted = () => readPersisted({ id, seq }, progress, context)
  const sources = [persisted, () => readOriginal(id, seq, context)]
  // A message that is not persisted yet is read from CHAT_MESSAGES first. If it is not there, it may have been
  // deleted meanwhile: its tombstone is in the database.
  if (seq > progress.seq) sources.reverse()
  for (const read of sources) {
    const message = await read()
    if (message) return message
  }
  return undefined
}

async function readPersisted(
  { id, seq }: { id: MessageId; seq: number },
  progress: ConsumerProgress,
  context: Context,
): Promise<Message | undefined> {
  const [row] =
    (await undefinedOnFailure(context, 'database', () =>
      withTimeLimit(databaseTimeoutMs, db.select().from(messages).where(eq(messages.id, id))),
    )) ?? []
  if (!row || partitionOf(row.seq) === partitionOf(seq))
    return row && applyPendingChanges(toMessage(row), progress, context)
  // The caller has forged the sequence in the `notifyId`, so `progress` is that of another
  // partition. The row has the true sequence.
  const actual = await findPersistedSequence(row, 'rooms', context)
  return readPersisted(row, actual, context)
}

async function readOriginal(
  id: MessageId,
  seq: number,
  context: Context,
): Promise<Message | undefined> {
  const original = seq > 0 ? await readFromLog(seq, context) : undefined
  if (original?.id !== id) return undefined
  // The message was found in CHAT_MESSAGES, so it is not deleted: a deletion would have purged it.
  // But it may have been edited.
  const edited = await undefinedOnFailure(context, 'edits', () =>
    applyPendingChanges(original, { seq, caughtUp: false }, context),
  )
  return edited ?? original
}

async function readCached(id: MessageId, context: Context) {
  const entry = await undefinedOnFailure(context, 'cache', () => context.kv(MSG_CACHE).get(id))
  return entry?.value
}

async function undefinedOnFailure<T>({ log }: Context, source: string, read: () => Promise<T>) {
  try {
    return await read()
  } catch (error) {
    log.warn({ err: error, source }, 'source unavailable, reading the message from the next one')
    return undefined
  }
}

export function toMessage(row: typeof messages.$inferSelect): Message {
  const { threadId, card, at, editedAt, deletedAt, editedSeq, ...rest } = row
  return {
    ...rest,
    at: at.toISOString(),
    ...(threadId === '' ? {} : { threadId }),
    ...(card ? { card } : {}),
    ...(editedAt ? { editedAt: editedAt.toISOString() } : {}),
    ...(deletedAt ? { deletedAt: deletedAt.toISOString() } : {}),
    ...(editedSeq === null ? {} : { editedSeq }),
  }
}
