import { bulkhead } from 'cockatiel'
import type { TransactionSql } from 'postgres'
import { type Context, partitionOf, type SequenceRange, type StreamMessage } from '#runtime'
import { advisoryLocks } from '#schema/advisory-locks'
import { db } from '#schema/db'
import { type NotifyId, readNotifyId } from '#schema/ids'
import type { RoomEventOf, StoredEvent } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { deleteOutdatedMentions, insertMentions, updateThreadStates } from './mention-rows.ts'

export type LoggedEvent = Pick<StreamMessage<StoredEvent>, 'seq' | 'data'>
type LoggedEventOf<Kind extends StoredEvent['kind']> = {
  seq: number
  data: Extract<StoredEvent, { kind: Kind }>
}
/**
 * A copy of a message in CHAT_MESSAGES. If a client retries after the stream's duplicate window, the stream
 * stores a second copy, with the same sender and client id.
 */
type MessageCopy = {
  seq: number
  data: Pick<RoomEventOf<'message'>, 'room' | 'sender' | 'clientId'>
}
type Purger = Pick<Context, 'purgeMessage'>

/**
 * Runs at most three transactions at once. With many partitions, `persist` could otherwise use all
 * database connections of the process.
 */
const transactions = bulkhead(3, Number.POSITIVE_INFINITY)

export async function persist(events: readonly LoggedEvent[], context: Purger): Promise<void> {
  await transactions.execute(() =>
    inTransaction(events, async (sql) => {
      await applyEvents(events, sql, context)
      await updateRoomHeads(events, sql)
    }),
  )
}

/** Returns the highest sequence of a persisted event within a range of CHAT_MESSAGES; 0 if there is none. */
export async function findLastPersisted({ from, to }: SequenceRange): Promise<number> {
  const [row] = await db.$client<{ seq: string }[]>`
    select coalesce(max(seq), 0) as seq from room_heads where seq between ${from} and ${to}`
  return Number(row?.seq)
}

/**
 * Persists an event at once, before `persist` does. Does not update the room head (the sequence of
 * the room's last persisted event), because earlier events of the room may not be persisted yet.
 */
export async function persistNow(event: LoggedEvent, context: Purger): Promise<void> {
  await inTransaction([event], (sql) => applyEvents([event], sql, context))
}

/**
 * Runs `work` in a transaction that holds the advisory lock of the events' partition. Does not use
 * Drizzle, because its errors contain message texts and are logged. PGlite ignores the lock, but
 * runs one transaction at a time.
 */
async function inTransaction(
  events: readonly LoggedEvent[],
  work: (sql: TransactionSql) => Promise<void>,
): Promise<void> {
  const partition = partitionOf(events[0]?.seq ?? 0)
  await db.$client.begin(async (sql) => {
    if (partition === 0) await sql`select pg_advisory_xact_lock(${advisoryLocks.projection})`
    else
      await sql`select pg_advisory_xact_lock(${advisoryLocks.projection}::int, ${partition}::int)`
    await work(sql)
  })
}

/**
 * Writes events to the tables. The result does not depend on the order or repetition of events.
 * Purges deleted texts from CHAT_MESSAGES before the commit. If a purge after the commit failed, a
 * retry could not find the edits to purge: the rows with their sequences would already be deleted.
 */
async function applyEvents(
  events: readonly LoggedEvent[],
  sql: TransactionSql,
  { purgeMessage }: Purger,
) {
  const messages = ofKind(events, 'message')
  const edits = ofKind(events, 'edit')
  const deletions = ofKind(events, 'delete')
  const reactions = ofKind(events, 'react')

  const purgeable = messages.length > 0 ? await insertMessages(messages, sql) : []
  if (deletions.length > 0) purgeable.push(...(await insertTombstones(deletions, sql)))
  if (edits.length > 0) await insertVersions(edits, sql)
  if (reactions.length > 0) await insertReactions(reactions, sql)
  await insertMentions(messages, edits, sql)

  const changed = [...edits, ...deletions, ...reactions].map(targetOf)
  const ids = [...changed, ...(messages.length > 0 ? await findEditedEarlier(messages, sql) : [])]
  if (ids.length > 0) {
    purgeable.push(...(await clearDeleted(ids, sql)))
    await applyVersions(ids, sql)
  }
  const mentioning = [...ids, ...messages.filter(hasMentions).map(({ data }) => data.id)]
  if (mentioning.length > 0) await deleteOutdatedMentions(mentioning, sql)
  await updateThreadStates(messages, edits, sql)
  await Promise.all([...new Set(purgeable)].map((seq) => purgeMessage(CHAT_MESSAGES, seq)))
}

function hasMentions({ data }: LoggedEventOf<'message'>): boolean {
  return data.mentions.length > 0
}

function ofKind<Kind extends StoredEvent['kind']>(events: readonly LoggedEvent[], kind: Kind) {
  return events.filter((event): event is LoggedEventOf<Kind> => event.data.kind === kind)
}

function targetOf({ data }: { data: { message: { notifyId: NotifyId } } }) {
  return readNotifyId(data.message.notifyId).id
}

/**
 * Inserts messages that have no row yet. A message already has one if it is redelivered, if an
 * earlier copy of it was persisted, or if its deletion was persisted first and left a tombstone.
 * Returns the sequences to purge from CHAT_MESSAGES: for a deleted message, those of all copies;
 * otherwise, those of all copies but the earliest. A later deletion would not find these copies,
 * because it names only one sequence.
 */
async function insertMessages(messages: LoggedEventOf<'message'>[], sql: TransactionSql) {
  const { count } = await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, mentions, card, at)
    select id, room, seq, thread_id, sender, client_id, text, mentions::text[], card::jsonb,
      at::timestamptz
    from unnest(
      ${messages.map(({ data }) => data.id)}::text[],
      ${messages.map(({ data }) => data.room)}::text[],
      ${messages.map(({ seq }) => seq)}::bigint[],
      ${messages.map(({ data }) => data.threadId ?? '')}::text[],
      ${messages.map(({ data }) => data.sender)}::text[],
      ${messages.map(({ data }) => data.clientId)}::text[],
      ${messages.map(({ data }) => data.text)}::text[],
      ${messages.map(({ data }) => toArray(data.mentions))}::text[],
      ${messages.map(({ data }) => (data.card ? JSON.stringify(data.card) : null))}::text[],
      ${messages.map(({ data }) => data.at)}::text[]
    ) as logged (id, room, seq, thread_id, sender, client_id, text, mentions, card, at)
    on conflict (sender, client_id) do nothing`
  return count === messages.length ? [] : keepEarliestCopy(messages, sql)
}

/**
 * Sets the sequence of each persisted message to the lowest sequence among its copies in the same room. Returns
 * the sequences to purge from CHAT_MESSAGES: those of the other copies or, for a deleted message, of all copies.
 */
async function keepEarliestCopy(copies: MessageCopy[], sql: TransactionSql): Promise<number[]> {
  const others = await sql<OtherCopy[]>`
    select messages.id, copy.seq, messages.seq as stored, deleted_at is not null as is_deleted,
      copy.room = messages.room as is_same_room
    from unnest(
      ${copies.map(({ data }) => data.room)}::text[],
      ${copies.map(({ data }) => data.sender)}::text[],
      ${copies.map(({ data }) => data.clientId)}::text[],
      ${copies.map(({ seq }) => seq)}::bigint[]
    ) as copy (room, sender, client_id, seq)
    join messages using (sender, client_id)
    where messages.seq <> copy.seq or deleted_at is not null`
  const purgeable: number[] = []
  for (const [id, rows] of Map.groupBy(others, (row) => row.id)) {
    const [{ stored, is_deleted }] = rows as [OtherCopy]
    const seqs = [stored, ...rows.map(({ seq }) => seq)].map(Number)
    // The lowest sequence is that of a copy in the same room: a copy in another room may belong to
    // another partition, and sequences of different partitions cannot be compared.
    const sameRoom = rows.filter(({ is_same_room }) => is_same_room)
    const first = Math.min(...[stored, ...sameRoom.map(({ seq }) => seq)].map(Number))
    purgeable.push(...seqs.filter((seq) => is_deleted || seq !== first))
    if (first === Number(stored)) continue
    await sql`update messages set seq = ${first} where id = ${id}`
    await sql`
      update message_versions set seq = ${first} where message_id = ${id} and seq = ${stored}`
  }
  return purgeable
}

interface OtherCopy {
  id: string
  seq: string
  stored: string
  is_deleted: boolean
  is_same_room: boolean
}

/**
 * Replaces deleted messages with tombstones. Inserts a tombstone for a message that is not persisted, because
 * it may already be purged from CHAT_MESSAGES. Returns the sequences to purge from CHAT_MESSAGES.
 */
async function insertTombstones(deletions: LoggedEventOf<'delete'>[], sql: TransactionSql) {
  const messages = deletions.map(({ data }) => data.message)
  const targets = messages.map(({ notifyId }) => readNotifyId(notifyId))
  const copies = deletions.map(({ data: { room, message } }) => ({
    seq: readNotifyId(message.notifyId).seq,
    data: { ...message, room },
  }))
  const others = await keepEarliestCopy(copies, sql)
  await sql`
    insert into messages
      (id, room, seq, thread_id, sender, client_id, text, at, edited_seq, deleted_at)
    select distinct on (sender, client_id)
      id, room, seq, thread_id, sender, client_id, '', at::timestamptz, by, deleted_at::timestamptz
    from unnest(
      ${targets.map(({ id }) => id)}::text[],
      ${deletions.map(({ data }) => data.room)}::text[],
      ${targets.map(({ seq }) => seq)}::bigint[],
      ${messages.map(({ threadId }) => threadId ?? '')}::text[],
      ${messages.map(({ sender }) => sender)}::text[],
      ${messages.map(({ clientId }) => clientId)}::text[],
      ${messages.map(({ at }) => at)}::text[],
      ${deletions.map(({ seq }) => seq)}::bigint[],
      ${deletions.map(({ data }) => data.at)}::text[]
    ) as deleted (id, room, seq, thread_id, sender, client_id, at, by, deleted_at)
    order by sender, client_id, by
    on conflict (sender, client_id) do update
    set text = '', mentions = '{}', card = null, edited_at = null,
      edited_seq = excluded.edited_seq, deleted_at = excluded.deleted_at
    where messages.id = excluded.id
      and (messages.deleted_at is null or messages.edited_seq > excluded.edited_seq)`
  return [...targets.map(({ seq }) => seq), ...others]
}

async function insertVersions(edits: LoggedEventOf<'edit'>[], sql: TransactionSql) {
  await sql`
    insert into message_versions (message_id, seq, text, mentions, at)
    select message_id, seq, text, mentions::text[], at::timestamptz
    from unnest(
      ${edits.map(targetOf)}::text[],
      ${edits.map(({ seq }) => seq)}::bigint[],
      ${edits.map(({ data }) => data.text)}::text[],
      ${edits.map(({ data }) => toArray(data.mentions))}::text[],
      ${edits.map(({ data }) => data.at)}::text[]
    ) as edited (message_id, seq, text, mentions, at)
    on conflict do nothing`
}

async function insertReactions(reactions: LoggedEventOf<'react'>[], sql: TransactionSql) {
  await sql`
    insert into reactions as stored (message_id, user_id, emoji, "on", seq, first_seq)
    select distinct on (message_id, user_id, emoji) message_id, user_id, emoji, "on"::boolean, seq,
      min(seq) over (partition by message_id, user_id, emoji)
    from unnest(
      ${reactions.map(targetOf)}::text[],
      ${reactions.map(({ data }) => data.by)}::text[],
      ${reactions.map(({ data }) => data.emoji)}::text[],
      ${reactions.map(({ data }) => String(data.on))}::text[],
      ${reactions.map(({ seq }) => seq)}::bigint[]
    ) as put (message_id, user_id, emoji, "on", seq)
    order by message_id, user_id, emoji, seq desc
    on conflict (message_id, user_id, emoji) do update
    set "on" = case when excluded.seq > stored.seq then excluded."on" else stored."on" end,
      seq = greatest(stored.seq, excluded.seq),
      first_seq = least(stored.first_seq, excluded.first_seq)`
}

async function findEditedEarlier(
  messages: LoggedEventOf<'message'>[],
  sql: TransactionSql,
): Promise<string[]> {
  const rows = await sql<{ message_id: string }[]>`
    select distinct message_id from message_versions
    where message_id = any(${messages.map(({ data }) => data.id)}::text[])`
  return rows.map(({ message_id }) => message_id)
}

/**
 * Deletes the reactions and versions of deleted messages. Returns the sequences of these versions. Each
 * statement compares both joined tables with `ids`, because PostgreSQL would otherwise scan one of them
 * completely.
 */
async function clearDeleted(ids: string[], sql: TransactionSql): Promise<number[]> {
  await sql`
    delete from reactions using messages
    where id = message_id and deleted_at is not null
      and id = any(${ids}::text[]) and message_id = any(${ids}::text[])`
  const versions = await sql<{ seq: string }[]>`
    delete from message_versions as version using messages
    where id = message_id and deleted_at is not null
      and id = any(${ids}::text[]) and message_id = any(${ids}::text[])
    returning version.seq`
  return versions.map(({ seq }) => Number(seq))
}

/**
 * Stores the original text of a message as its first version, before a newer version replaces it in
 * `messages`.
 */
async function applyVersions(ids: string[], sql: TransactionSql) {
  await sql`
    insert into message_versions (message_id, seq, text, mentions, at)
    select id, seq, text, mentions, at from messages
    where id = any(${ids}::text[]) and edited_seq is null
      and exists (select from message_versions where message_id = id)
    on conflict do nothing`
  await sql`
    update messages
    set text = newest.text, mentions = newest.mentions,
      edited_seq = newest.seq, edited_at = newest.at
    from (
      select distinct on (message_id) * from message_versions
      where message_id = any(${ids}::text[])
      order by message_id, seq desc
    ) as newest
    where id = message_id and id = any(${ids}::text[])
      and newest.seq > coalesce(edited_seq, messages.seq)`
}

async function updateRoomHeads(events: readonly LoggedEvent[], sql: TransactionSql) {
  const heads = new Map<string, LoggedEvent>()
  for (const event of events)
    if (event.seq > (heads.get(event.data.room)?.seq ?? 0)) heads.set(event.data.room, event)
  const newest = [...heads.values()]
  await sql`
    insert into room_heads (room, seq, at)
    select room, seq, at::timestamptz from unnest(
      ${newest.map(({ data }) => data.room)}::text[],
      ${newest.map(({ seq }) => seq)}::bigint[],
      ${newest.map(({ data }) => data.at)}::text[]
    ) as head (room, seq, at)
    on conflict (room) do update set seq = excluded.seq, at = excluded.at
    where room_heads.seq <= excluded.seq`
}

/**
 * Returns a PostgreSQL array literal, because `unnest` would flatten nested arrays. Without the
 * quotes, PostgreSQL would read the user id `null` as NULL.
 */
function toArray(users: readonly string[]): string {
  return `{${users.map((user) => `"${user}"`).join()}}`
}
