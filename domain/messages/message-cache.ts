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
 * What this process said or read last. Many who ask for one message at once make one read. Told when
 * a message changes, and forgetful all the same, for what it may not have been told: what is deleted
 * is read by nobody who asks a second later.
 */
const recent = new LRUCache<MessageId, Message | typeof absent, { seq: number; context: Context }>({
  max: 2_000,
  ttl: 800,
  ignoreFetchAbort: true,
  fetchMethod: (id, _stale, { context: { seq, context }, options }) =>
    fetchOrAbsent(options, () => readMessage(id, seq, context)),
})

/**
 * The message behind a notification, as it stands now, from the nearest place that has it; undefined
 * if none does. Whether the caller may see it is for the function to find out. Whoever is about to
 * change it asks for it `fresh`, and not as this process remembers it.
 */
export async function findMessage(
  notifyId: NotifyId,
  context: Context,
  { fresh = false } = {},
): Promise<Message | undefined> {
  const { id, seq } = readNotifyId(notifyId)
  const message = await recent.fetch(id, { context: { seq, context }, forceRefresh: fresh })
  if (!message || message === absent) return undefined
  // Whoever makes up an id may hit the place of another message, or the id at another place.
  return toNotifyId(message) === notifyId ? message : undefined
}

/**
 * A message of a room by its id alone, which finds nothing in the log: there it is looked for among what
 * the database may not have yet. Throws where one of them is away, and the others have nothing.
 */
export async function findMessageById(
  room: RoomId,
  id: MessageId,
  context: Context,
): Promise<Message | undefined> {
  // Not one read with those who know the sequence: they would find nothing either.
  const read = recent.get(id)
  const known = read && read !== absent ? read : await readCached(id, context)
  if (known) return known.room === room ? known : undefined
  const handled = await findPersistedSequence('threads too', context)
  const [row] = await db
    .select()
    .from(messages)
    .where(and(eq(messages.id, id), eq(messages.room, room)))
  if (row) return applyPendingChanges(toMessage(row), handled, context)
  const later = await readUnpersistedEvents(room, [chatRoom, chatThread], handled.seq, context)
  const said = later.find(({ data }) => data.kind === 'message' && data.id === id)
  return said?.data.kind === 'message' ? { ...withoutKind(said.data), seq: said.seq } : undefined
}

/**
 * Keeps what was just said where readers look first. What became of it already stands. What everybody
 * is told whole is hardly asked for, and nobody waits for it.
 */
export async function cacheMessage(
  message: Message,
  isToldWhole: boolean,
  context: Context,
): Promise<void> {
  if (isToldWhole) return context.kv(MSG_CACHE).createInBackground(message.id, message)
  recent.set(message.id, message)
  if (!(await context.kv(MSG_CACHE).create(message.id, message))) evictMessage(message.id)
}

/**
 * Puts a changed message in the place of the one that readers have, in every process; unless that is
 * newer. Without this they find it in the database, or in the log as it was first said, so whoever
 * changes one waits for it.
 */
export async function updateCachedMessage(message: Message, context: Context): Promise<void> {
  const { id } = message
  const cache = context.kv(MSG_CACHE)
  const entry = await cache.get(id)
  if (entry && isCurrent(entry.value, message)) return
  const isShown = entry
    ? await cache.update(id, message, entry.revision)
    : await cache.create(id, message)
  if (!isShown) return updateCachedMessage(message, context)
  evictMessage(id)
  context.publish(messageChanged, { id })
}

/** What is deleted stays so, whatever was on its way. */
function isCurrent(shown: Message, { editedSeq = 0, deletedAt }: Message): boolean {
  if (shown.deletedAt || deletedAt) return shown.deletedAt !== undefined
  return (shown.editedSeq ?? 0) >= editedSeq
}

/** Lets go of what this process remembers of a message. */
export function evictMessage(id: MessageId): void {
  recent.delete(id)
}

/** A message as it was said, by its sequence; undefined for any other event. */
export async function readFromLog(seq: number, context: Context): Promise<Message | undefined> {
  try {
    const stored =
      (await context.read(CHAT_MESSAGES, chatRoom, seq)) ??
      (await context.read(CHAT_MESSAGES, chatThread, seq))
    return stored?.data.kind === 'message' ? { ...withoutKind(stored.data), seq } : undefined
  } catch (error) {
    // Something lies there that no function has written.
    if (error instanceof FunctionError && error.code === 'invalid') return undefined
    throw error
  }
}

/** What was said as it is shown. */
export function withoutKind({ kind: _, ...said }: MessageSent): Omit<Message, 'seq'> {
  return said
}

/** The database knows what became of a message, but for the last moments; the log knows those. */
async function readMessage(id: MessageId, seq: number, context: Context) {
  const cached = await readCached(id, context)
  if (cached) return cached
  const row = await ignoreUnavailable(context, 'the database', () => readRow(id, context))
  if (row) return applyPendingChanges(row.message, row.handled, context)
  const said = seq > 0 ? await readFromLog(seq, context) : undefined
  if (said?.id !== id) return undefined
  // What is deleted is not in the log any more; what it was edited to comes later than it does.
  const edited = await ignoreUnavailable(context, 'its edits', () =>
    applyPendingChanges(said, { seq, caughtUp: false }, context),
  )
  return edited ?? said
}

async function readCached(id: MessageId, context: Context) {
  const entry = await ignoreUnavailable(context, 'the cache', () => context.kv(MSG_CACHE).get(id))
  return entry?.value
}

async function readRow(id: MessageId, context: Context) {
  const handled = await findPersistedSequence('rooms', context)
  const [row] = await db.select().from(messages).where(eq(messages.id, id))
  return row && { message: toMessage(row), handled }
}

/** What can be read elsewhere is not waited for. */
async function ignoreUnavailable<T>({ log }: Context, what: string, read: () => Promise<T>) {
  try {
    return await read()
  } catch (error) {
    log.warn({ err: error, what }, 'away; what was said is read elsewhere')
    return undefined
  }
}

/** A row as it is shown. */
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
