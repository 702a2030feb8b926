import { eq, sql } from 'drizzle-orm'
import { FunctionError } from '#runtime'
import { appOfSender } from '#schema/app-sender'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import type { User } from '#schema/messages/user'
import { deactivations, users, userTerms } from '#schema/tables/user'
import { hasWords, readQuery } from '#schema/text/search'
import { readAppNames } from '../apps/registry.ts'

const displayName = sql<string>`coalesce(${users.chosenName}, ${users.name})`
export const publicUser = {
  userId: users.id,
  name: displayName,
  handle: sql<string>`coalesce(${users.handle}, ${users.id})`,
}

/**
 * Throws `forbidden` for a user who has never logged in. Such a user cannot be invited and cannot
 * have a direct room.
 */
export async function requireUser(userId: UserId): Promise<void> {
  const [user] = await db.select({ id: users.id }).from(users).where(eq(users.id, userId))
  if (!user) throw new FunctionError('forbidden', `User ${userId} has never logged in`)
}

export async function requireActiveUser(userId: UserId): Promise<void> {
  await requireUser(userId)
  const deactivated = await findDeactivated([userId])
  if (deactivated.has(userId)) throw new FunctionError('forbidden', `User ${userId} is deactivated`)
}

export async function markDeactivated<User extends { userId: UserId }>(
  list: readonly User[],
): Promise<(User & { deactivated?: boolean })[]> {
  const deactivated = await findDeactivated(list.map(({ userId }) => userId))
  return list.map((user) => (deactivated.has(user.userId) ? { ...user, deactivated: true } : user))
}

/**
 * Maximum number of ids in one query. It limits the cost of the query, which reads two or three
 * index pages per id.
 */
const maxDeactivatedIds = 250

async function findDeactivated(userIds: readonly UserId[]): Promise<ReadonlySet<UserId>> {
  const found = new Set<UserId>()
  for (let start = 0; start < userIds.length; start += maxDeactivatedIds) {
    const ids = userIds.slice(start, start + maxDeactivatedIds)
    const rows = await db
      .select({ userId: deactivations.userId })
      .from(deactivations)
      .where(sql`${deactivations.userId} = any(${sql.param(ids)}::text[])`)
    for (const { userId } of rows) found.add(userId)
  }
  return found
}

/**
 * Returns the users with these ids. For the id by which an app sends messages, returns the app as a
 * user.
 */
export async function readUsers(ids: readonly UserId[]): Promise<User[]> {
  // With one array parameter, the prepared statement is the same for any number of ids.
  const found = await db
    .select(publicUser)
    .from(users)
    .where(sql`${users.id} = any(${sql.param(ids)}::text[])`)
  return [...(await markDeactivated(found)), ...(await readAppSenders(ids))]
}

async function readAppSenders(ids: readonly UserId[]): Promise<User[]> {
  const senders = ids.flatMap((userId) => {
    const app = appOfSender(userId)
    return app ? [{ userId, app }] : []
  })
  if (senders.length === 0) return []
  const names = await readAppNames(senders.map(({ app }) => app))
  return senders.map(({ userId, app }) => ({ userId, name: names.get(app) ?? app, handle: app }))
}

/** Returns users by their handles in lower case. If handles differ only in case, returns one of their users. */
export async function readUsersByHandle(handles: readonly string[]): Promise<Map<string, UserId>> {
  // The order and the limit make PostgreSQL use the index, whatever number of matching users it
  // estimates.
  const rows = await db.execute<{ handle: string; id: UserId }>(sql`
    select wanted.handle, found.id
    from unnest(${sql.param(handles)}::text[]) as wanted (handle)
    cross join lateral (
      select ${users.id} from ${users} where lower(${users.handle}) = wanted.handle
      order by lower(${users.handle}) limit 1
    ) as found`)
  return new Map(rows.map(({ handle, id }) => [handle, id]))
}

const maxUsers = 20
/**
 * There are more candidates than users in the result, because deactivated users are removed from
 * them.
 */
const maxCandidates = 3 * maxUsers
/**
 * A user has up to 40 terms (rows of `user_terms`) with the same beginning, so this many terms
 * belong to at least `maxUsers` users.
 */
const maxPhraseTerms = 40 * maxUsers
const [maxWords, maxWordTerms] = [4, 500]
const lastCharacter = '\u{10ffff}'

/**
 * Returns up to 20 users. Each word of `text` is the beginning of a word in the user's name, handle
 * or id. First searches for users who have these words side by side, in the order of `text`. If
 * `text` has several words and this finds fewer than `maxCandidates` users, also searches for each
 * of the four longest words alone. The search for a word reads only its first 500 rows of
 * `user_terms`, so users can be missed if all words of `text` are common.
 */
export async function searchUsers(text: string): Promise<User[]> {
  const words = readQuery(text)
  if (words.length === 0) return []
  const found = new Set<UserId>()
  const addMatches = (rows: { term: string; userId: UserId }[]) => {
    for (const { term, userId } of rows)
      if (found.size < maxCandidates && hasWords(term, words)) found.add(userId)
  }
  addMatches(await findTerms(words.join(' '), maxPhraseTerms))
  if (words.length > 1 && found.size < maxCandidates) {
    const longest = [...new Set(words)].sort((a, b) => b.length - a.length).slice(0, maxWords)
    for (const rows of await Promise.all(longest.map((word) => findTerms(word, maxWordTerms))))
      addMatches(rows)
  }
  const byId = new Map((await readUsers([...found])).map((user) => [user.userId, user]))
  return [...found]
    .flatMap((id) => byId.get(id) ?? [])
    .filter(({ deactivated }) => !deactivated)
    .slice(0, maxUsers)
}

export function findTerms(prefix: string, limit: number) {
  const end = prefix + lastCharacter
  return db
    .select({ term: userTerms.term, userId: userTerms.userId })
    .from(userTerms)
    .where(sql`${userTerms.term} ~>=~ ${prefix}::text and ${userTerms.term} ~<~ ${end}::text`)
    .orderBy(sql`${userTerms.term} using ~<~`)
    .limit(limit)
}
