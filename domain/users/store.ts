import { and, eq, lt, ne, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { FunctionError } from '#runtime'
import { advisoryLocks } from '#schema/advisory-locks'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import type { Me } from '#schema/messages/user'
import { userNameKeys, users, userTerms } from '#schema/tables/user'
import { repairName } from '#schema/text/name'
import { searchTerms } from '#schema/text/search'
import type { Transaction } from '../rooms/room-lock.ts'
import { nameKeys } from './name-keys.ts'

export interface Login {
  handle?: string | undefined
  issuer?: string | undefined
  subject?: string | undefined
  name?: string | undefined
}

/**
 * Increase this when the rules of name-keys.ts or schema/text/search.ts change. Users with a lower
 * version are then indexed again.
 */
export const indexedVersion = 1
const indexBatchSize = 500

/**
 * Stores users at login, with the names from the identity provider. If another user has chosen a name that
 * looks like one of these, the chosen name is withdrawn, and that user has the provider's name again. Returns
 * the users whose chosen name was withdrawn.
 */
export function storeLogins(logins: ReadonlyMap<UserId, Login>): Promise<UserId[]> {
  return withNamesLock(async (tx) => {
    const known = await readRows(tx, [...logins.keys()])
    const rows = [...logins].map(([id, login]) => mergeLogin(id, login, known.get(id)))
    await tx.execute(sql`
      insert into users (id, handle, issuer, subject, name)
      select id, handle, issuer, subject, name from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r (id text, handle text, issuer text, subject text, name text)
      on conflict (id) do update set handle = excluded.handle, issuer = excluded.issuer,
        subject = excluded.subject, name = excluded.name, seen_at = now()`)
    const changed = rows.filter(({ id, name, handle }) => {
      const before = known.get(id)
      return before?.name !== name || before.handle !== handle
    })
    const withdrawn = await withdrawLookalikes(tx, changed)
    await reindex(tx, [...changed.map(({ id }) => id), ...withdrawn])
    return withdrawn
  })
}

export function chooseName(id: UserId, name: string | null): Promise<Me> {
  return withNamesLock(async (tx) => {
    const before = (await readRows(tx, [id])).get(id)
    const chosenName = name === before?.name ? null : name
    if (chosenName !== null) await requireDistinctName(tx, id, chosenName)
    await tx
      .insert(users)
      .values({ id, name: id, chosenName })
      .onConflictDoUpdate({ target: users.id, set: { chosenName } })
    await reindex(tx, [id])
    const providerName = before?.name ?? id
    return {
      userId: id,
      name: chosenName ?? providerName,
      handle: before?.handle ?? id,
      providerName,
    }
  })
}

export async function indexUsers(): Promise<number> {
  let count = 0
  for (let size = indexBatchSize; size === indexBatchSize; count += size) {
    size = await withNamesLock(async (tx) => {
      const outdated = await tx
        .select({ id: users.id })
        .from(users)
        .where(lt(users.indexedVersion, indexedVersion))
        .orderBy(users.indexedVersion)
        .limit(indexBatchSize)
      await reindex(
        tx,
        outdated.map(({ id }) => id),
      )
      return outdated.length
    })
  }
  return count
}

const hasKey = (keys: readonly string[]) =>
  sql`${userNameKeys.key} = any(${sql.param(keys)}::text[])`

type Row = NonNullable<ReturnType<Awaited<ReturnType<typeof readRows>>['get']>>
type Keyed = Pick<Row, 'id' | 'name' | 'handle'>

async function readRows(tx: Transaction, ids: readonly UserId[]) {
  const rows = await tx
    .select({
      id: users.id,
      handle: users.handle,
      issuer: users.issuer,
      subject: users.subject,
      name: users.name,
      chosenName: users.chosenName,
    })
    .from(users)
    .where(sql`${users.id} = any(${sql.param(ids)}::text[])`)
  return new Map(rows.map((row) => [row.id, row]))
}

function mergeLogin(id: UserId, login: Login, before: Row | undefined) {
  const name = login.name === undefined ? undefined : repairName(login.name)
  const handle = login.handle ?? before?.handle ?? null
  return {
    id,
    handle,
    issuer: login.issuer ?? before?.issuer ?? null,
    subject: login.subject ?? before?.subject ?? null,
    name: name ?? before?.name ?? (handle === null ? undefined : repairName(handle)) ?? id,
  }
}

async function requireDistinctName(tx: Transaction, id: UserId, name: string) {
  const [other] = await tx
    .select({ id: userNameKeys.userId })
    .from(userNameKeys)
    .where(and(hasKey(nameKeys(name)), ne(userNameKeys.userId, id)))
    .orderBy(userNameKeys.key, userNameKeys.userId)
    .limit(1)
  if (other)
    throw new FunctionError(
      'conflict',
      `The name ${name} is, or looks like, the name or user name of another person: choose another`,
    )
}

async function withdrawLookalikes(tx: Transaction, changed: readonly Keyed[]) {
  if (changed.length === 0) return []
  const owned = changed.flatMap((user) => providerKeys(user).map((key) => ({ key, id: user.id })))
  const owners = Map.groupBy(owned, ({ key }) => key)
  const rows = await tx
    .select({ id: userNameKeys.userId, key: userNameKeys.key })
    .from(userNameKeys)
    .where(and(hasKey([...owners.keys()]), eq(userNameKeys.isChosen, true)))
  const isOfOther = (row: { id: UserId; key: string }) =>
    owners.get(row.key)?.some(({ id }) => id !== row.id)
  const ids = [...new Set(rows.filter(isOfOther).map(({ id }) => id))]
  if (ids.length > 0)
    await tx
      .update(users)
      .set({ chosenName: null })
      .where(sql`${users.id} = any(${sql.param(ids)}::text[])`)
  return ids
}

const providerKeys = ({ id, name, handle }: Keyed) => [
  ...new Set([name, id, handle ?? id].flatMap(nameKeys)),
]

async function reindex(tx: Transaction, ids: readonly UserId[]) {
  if (ids.length === 0) return
  const rows = [...(await readRows(tx, ids)).values()]
  const derived = rows.map(({ id, name, handle, chosenName }) => ({
    id,
    keys: providerKeys({ id, name, handle }),
    chosen_keys: chosenName === null ? [] : nameKeys(chosenName),
    terms: searchTerms([...new Set([chosenName ?? name, handle ?? id, id])].join(' ')),
  }))
  const isOneOf = (column: AnyPgColumn) => sql`${column} = any(${sql.param(ids)}::text[])`
  await tx.update(users).set({ indexedVersion }).where(isOneOf(users.id))
  await tx.delete(userTerms).where(isOneOf(userTerms.userId))
  await tx.delete(userNameKeys).where(isOneOf(userNameKeys.userId))
  const records = sql`jsonb_to_recordset(${JSON.stringify(derived)}::jsonb)
    as r (id text, keys text[], chosen_keys text[], terms text[])`
  await tx.execute(
    sql`insert into user_terms (term, user_id) select unnest(terms), id from ${records}`,
  )
  await tx.execute(sql`
    insert into user_name_keys (key, user_id, is_chosen)
    select unnest(keys), id, false from ${records}
    union all select unnest(chosen_keys), id, true from ${records}`)
}

/** One lock for all names, so that two users cannot choose the same name at once. */
function withNamesLock<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${advisoryLocks.names})`)
    return work(tx)
  })
}
