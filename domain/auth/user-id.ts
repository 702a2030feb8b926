import { eq, or, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import { type Context, FunctionError } from '#runtime'
import { appOfSender } from '#schema/app-sender'
import { db } from '#schema/db'
import type { Identity } from '#schema/identity'
import type { UserId } from '#schema/ids'
import { USER_IDS } from '#schema/streams'
import { users } from '#schema/tables/user'
import { maxEntries } from '../cache/max-entries.ts'
import { withTimeLimit } from '../cache/time-limit.ts'

/**
 * Key of an entry in USER_IDS that is written when the database has been read for the first time.
 * If this entry is missing, the bucket may have been lost with the ids of all users. Then no id is
 * assigned without reading the database.
 */
const marker = '=database'
/** A login waits for the database at most this long. Only the first login of a user reads it. */
const databaseTimeoutMs = 1_500

const safeId = /^[a-z0-9_-]{1,64}$/
const reserved: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
  'all',
  'channel',
  'everyone',
  'here',
  'room',
])

/** The user id of an identity never changes, so entries do not expire. */
const cache = new LRUCache<string, UserId>(maxEntries(100_000))

/**
 * Returns the user id of an identity. The id is assigned at the first login: the user name if it is
 * a valid id that no other identity has, else an escaped form of the user name. The user name may
 * change later, but not the id. While the database is unavailable, only the bucket USER_IDS is
 * used. Throws `unavailable` if the bucket was lost and the database is unavailable too. `token` is
 * the `identityToken` of the identity.
 */
export async function findUserId(
  { token, ...identity }: Identity & { token: string },
  userName: string,
  context: Context,
): Promise<UserId> {
  const cached = cache.get(token)
  if (cached !== undefined) return cached
  const userId =
    (await readUserId(token, context)) ?? (await assignUserId(identity, token, userName, context))
  cache.set(token, userId)
  return userId
}

export async function readUserId(token: string, context: Context): Promise<UserId | undefined> {
  const entry = await context.kv(USER_IDS).get(subjectKey(token))
  return entry && 'userId' in entry.value ? entry.value.userId : undefined
}

async function assignUserId(
  identity: Identity,
  token: string,
  userName: string,
  context: Context,
): Promise<UserId> {
  const bucket = context.kv(USER_IDS)
  const candidates = candidatesOf(userName, token)
  const persisted = await readPersisted(identity, candidates, context)
  for (const candidate of persisted.own ? [persisted.own] : candidates) {
    if (persisted.taken.has(candidate)) continue
    const key = ownerKey(candidate)
    // This identity may already own the candidate: an earlier login may have failed after this
    // write and before the next one.
    const isOwn =
      (await bucket.create(key, identity)) || isSame((await bucket.get(key))?.value, identity)
    if (!isOwn) continue
    if (await bucket.create(subjectKey(token), { userId: candidate })) return candidate
    return (await readUserId(token, context)) ?? candidate
  }
  throw new FunctionError('conflict', `No user id is free for the user name ${userName}`)
}

/** Returns whether a user has this id. Users get their ids at their first login. */
export async function isAssignedUserId(userId: UserId, context: Context): Promise<boolean> {
  if (await context.kv(USER_IDS).get(ownerKey(userId))) return true
  // The id may be missing from the bucket if the bucket was lost and this user has not logged in
  // since.
  const [row] = await db.select({ id: users.id }).from(users).where(eq(users.id, userId))
  return row !== undefined
}

const subjectKey = (token: string) => `subject.${token}`
const ownerKey = (userId: UserId) => `id.${userId}`

function isSame(value: object | undefined, { issuer, subject }: Identity): boolean {
  return (
    value !== undefined &&
    'issuer' in value &&
    value.issuer === issuer &&
    'subject' in value &&
    value.subject === subject
  )
}

export function candidatesOf(userName: string, token: string): UserId[] {
  const hash = token.slice('ID-'.length).toLowerCase()
  const readable = userName
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
  const escaped = [`${readable || 'user'}-${hash.slice(0, 8)}`, `user-${hash}`]
  const isPlain = safeId.test(userName) && !reserved.has(userName) && !appOfSender(userName)
  return (isPlain ? [userName, ...escaped] : escaped) as UserId[]
}

async function readPersisted(
  identity: Identity,
  candidates: readonly UserId[],
  context: Context,
): Promise<{ own?: UserId; taken: ReadonlySet<UserId> }> {
  const bucket = context.kv(USER_IDS)
  try {
    const rows = await withTimeLimit(
      databaseTimeoutMs,
      db
        .select({ id: users.id, issuer: users.issuer, subject: users.subject })
        .from(users)
        .where(
          or(
            sql`(${users.issuer}, ${users.subject}) = (${identity.issuer}, ${identity.subject})`,
            sql`${users.id} = any(${sql.param(candidates)}::text[])`,
          ),
        ),
    )
    if (!(await bucket.get(marker)))
      await bucket.create(marker, { readAt: new Date().toISOString() })
    const own = rows.find((row) => isSame(row, identity))
    const others = rows.filter(({ issuer, subject }) => issuer !== null && subject !== null)
    const taken = new Set(others.map(({ id }) => id).filter((id) => id !== own?.id))
    return own ? { own: own.id, taken } : { taken }
  } catch (error) {
    if (!(await bucket.get(marker)))
      throw new FunctionError('unavailable', 'The database is unavailable: try again later', {
        cause: error,
      })
    context.log.warn({ err: error }, 'database unavailable, a new user gets an id without it')
    return { taken: new Set() }
  }
}
