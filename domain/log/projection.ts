import type { TransactionSql } from 'postgres'
import type { Context, StreamMessage } from '#runtime'
import { db } from '#schema/db'
import { type NotifyId, readNotifyId } from '#schema/ids'
import type { RoomEvent, RoomEventOf } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'

/** Only means something to the other processes that draw from the log: one at a time. */
const projectLock = 6_288_438

export type LoggedEvent = Pick<StreamMessage<RoomEvent>, 'seq' | 'data'>
type LoggedEventOf<Kind extends RoomEvent['kind']> = { seq: number; data: RoomEventOf<Kind> }
/** Where something was said, and by which name its sender knows it. */
type MessagePlace = { seq: number; data: Pick<RoomEventOf<'message'>, 'sender' | 'clientId'> }
type Purger = Pick<Context, 'purgeMessage'>

/** Copies a batch of the log into the database, and notes how far that has come. */
export async function persist(events: readonly LoggedEvent[], context: Purger): Promise<void> {
  await inTransaction(async (sql) => {
    await applyEvents(events, sql, context)
    await updateRoomHeads(events, sql)
  })
}

/** Does so before its turn has come: with one whose effect must not wait for those before it. */
export async function persistNow(event: LoggedEvent, context: Purger): Promise<void> {
  await inTransaction((sql) => applyEvents([event], sql, context))
}

/**
 * By the driver itself: one array for each column costs a third of a row of parameters for each
 * event, and its errors don't carry what people wrote into the log. PGlite's locks exclude nobody,
 * but its transactions do that.
 */
async function inTransaction(work: (sql: TransactionSql) => Promise<void>): Promise<void> {
  await db.$client.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(${projectLock})`
    await work(sql)
  })
}

/**
 * Draws the tables from some events. What comes of it does not depend on their order, nor on how they
 * were cut into batches, nor on how often each came: an edit, a deletion or a reaction may be here
 * before its message is, and the highest sequence has the last word.
 *
 * What is deleted leaves the log as well, before the commit: if this is cut short, the events come
 * again, and after the commit nobody would know any more what there was to erase.
 */
async function applyEvents(
  events: readonly LoggedEvent[],
  sql: TransactionSql,
  { purgeMessage }: Purger,
) {
  const said = ofKind(events, 'message')
  const edits = ofKind(events, 'edit')
  const deletions = ofKind(events, 'delete')
  const reactions = ofKind(events, 'react')

  const unwanted = said.length > 0 ? await insertMessages(said, sql) : []
  if (deletions.length > 0) unwanted.push(...(await insertTombstones(deletions, sql)))
  if (edits.length > 0) await insertVersions(edits, sql)
  if (reactions.length > 0) await insertReactions(reactions, sql)

  const changed = [...edits, ...deletions, ...reactions].map(targetOf)
  const ids = [...changed, ...(said.length > 0 ? await findEdited(said, sql) : [])]
  if (ids.length > 0) {
    unwanted.push(...(await clearDeleted(ids, sql)))
    await applyVersions(ids, sql)
  }
  await Promise.all([...new Set(unwanted)].map((seq) => purgeMessage(CHAT_MESSAGES, seq)))
}

function ofKind<Kind extends RoomEvent['kind']>(events: readonly LoggedEvent[], kind: Kind) {
  return events.filter((event): event is LoggedEventOf<Kind> => event.data.kind === kind)
}

function targetOf({ data }: { data: { message: { notifyId: NotifyId } } }) {
  return readNotifyId(data.message.notifyId).id
}

/**
 * Another message with the same sequence, as after a log that began anew, is an error and no silence.
 * Answers with what need not be in the log: deleted ones, and second copies of one that was sent
 * again when the log had forgotten it, which no deletion would find.
 */
async function insertMessages(said: LoggedEventOf<'message'>[], sql: TransactionSql) {
  const { count } = await sql`
    insert into messages (id, room, seq, thread_id, sender, client_id, text, mentions, at)
    select id, room, seq, thread_id, sender, client_id, text, mentions::text[], at::timestamptz
    from unnest(
      ${said.map(({ data }) => data.id)}::text[],
      ${said.map(({ data }) => data.room)}::text[],
      ${said.map(({ seq }) => seq)}::bigint[],
      ${said.map(({ data }) => data.threadId ?? '')}::text[],
      ${said.map(({ data }) => data.sender)}::text[],
      ${said.map(({ data }) => data.clientId)}::text[],
      ${said.map(({ data }) => data.text)}::text[],
      ${said.map(({ data }) => toArray(data.mentions))}::text[],
      ${said.map(({ data }) => data.at)}::text[]
    ) as said (id, room, seq, thread_id, sender, client_id, text, mentions, at)
    on conflict (sender, client_id) do nothing`
  return count === said.length ? [] : keepEarliestCopy(said, sql)
}

/** Has messages that are here already be where they were said first. Answers with all other copies. */
async function keepEarliestCopy(said: MessagePlace[], sql: TransactionSql): Promise<number[]> {
  const others = await sql<{ id: string; seq: string; kept: string; is_deleted: boolean }[]>`
    select messages.id, said.seq, messages.seq as kept, deleted_at is not null as is_deleted
    from unnest(
      ${said.map(({ data }) => data.sender)}::text[],
      ${said.map(({ data }) => data.clientId)}::text[],
      ${said.map(({ seq }) => seq)}::bigint[]
    ) as said (sender, client_id, seq)
    join messages using (sender, client_id)
    where messages.seq <> said.seq or deleted_at is not null`
  const unwanted: number[] = []
  for (const [id, copies] of Map.groupBy(others, (copy) => copy.id)) {
    const [{ kept, is_deleted }] = copies as [(typeof others)[number]]
    const seqs = [kept, ...copies.map(({ seq }) => seq)].map(Number)
    const first = Math.min(...seqs)
    unwanted.push(...seqs.filter((seq) => is_deleted || seq !== first))
    if (first === Number(kept)) continue
    await sql`update messages set seq = ${first} where id = ${id}`
    await sql`update message_versions set seq = ${first} where message_id = ${id} and seq = ${kept}`
  }
  return unwanted
}

/** Leaves a deleted message its place and nothing else, also where the log does not have it any more. */
async function insertTombstones(deletions: LoggedEventOf<'delete'>[], sql: TransactionSql) {
  const messages = deletions.map(({ data }) => data.message)
  const targets = messages.map(({ notifyId }) => readNotifyId(notifyId))
  const places = messages.map((data, at) => ({ seq: targets[at]?.seq ?? 0, data }))
  const others = await keepEarliestCopy(places, sql)
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
    set text = '', mentions = '{}', edited_at = null,
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
    insert into reactions as kept (message_id, user_id, emoji, "on", seq, first_seq)
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
    set "on" = case when excluded.seq > kept.seq then excluded."on" else kept."on" end,
      seq = greatest(kept.seq, excluded.seq),
      first_seq = least(kept.first_seq, excluded.first_seq)`
}

/** Which of these messages were edited before they came here. */
async function findEdited(
  said: LoggedEventOf<'message'>[],
  sql: TransactionSql,
): Promise<string[]> {
  const rows = await sql<{ message_id: string }[]>`
    select distinct message_id from message_versions
    where message_id = any(${said.map(({ data }) => data.id)}::text[])`
  return rows.map(({ message_id }) => message_id)
}

/** Takes from the deleted ones among these what was done to them; answers with the edits. */
async function clearDeleted(ids: string[], sql: TransactionSql): Promise<number[]> {
  await sql`
    delete from reactions using messages
    where id = message_id and id = any(${ids}::text[]) and deleted_at is not null`
  const versions = await sql<{ seq: string }[]>`
    delete from message_versions as version using messages
    where id = message_id and id = any(${ids}::text[]) and deleted_at is not null
    returning version.seq`
  return versions.map(({ seq }) => Number(seq))
}

/** Keeps the first text of edited messages, and has them say what the newest one does. */
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
    where id = message_id and newest.seq > coalesce(edited_seq, messages.seq)`
}

async function updateRoomHeads(events: readonly LoggedEvent[], sql: TransactionSql) {
  const heads = new Map<string, number>()
  for (const { seq, data } of events) heads.set(data.room, Math.max(seq, heads.get(data.room) ?? 0))
  await sql`
    insert into room_heads (room, seq)
    select * from unnest(${[...heads.keys()]}::text[], ${[...heads.values()]}::bigint[])
    on conflict (room) do update set seq = greatest(room_heads.seq, excluded.seq)`
}

/** As PostgreSQL writes an array: there is none of arrays. The quotes are for who is called `null`. */
function toArray(users: readonly string[]): string {
  return `{${users.map((user) => `"${user}"`).join()}}`
}
