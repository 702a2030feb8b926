import type { Context } from '#runtime'
import { type Identity, identityToken } from '#schema/identity'
import { REVOKED_TOKENS } from '#schema/streams'
import { withTimeLimit } from '../cache/time-limit.ts'
import { readUserId } from './user-id.ts'

/** Of whom tokens are revoked: of one session at the identity provider, or of a user with all sessions. */
export interface Revoked extends Identity {
  session: string | undefined
}

/** A login waits for JetStream at most this long. */
const maxWaitMs = 1_000
/** The provider may renew tokens until it has told all its clients about a logout. */
const logoutTakesS = 5

/**
 * Rejects the tokens of a session that was logged out, or of all sessions of the user, and closes the user's
 * connections. Connections of other sessions are opened again with their own tokens. `at` is by the
 * provider's clock, in seconds since the epoch. Idempotent.
 */
export async function revokeSession(
  { session, ...identity }: Revoked,
  at: number,
  context: Context,
): Promise<void> {
  if (session === undefined) return revokeTokens(identity, at + logoutTakesS, context)
  await raise(await sessionKey(identity, session), at, context)
  await closeUser(identity, context)
}

/**
 * Rejects the tokens of a user that were issued up to `until` (by the provider's clock, in seconds since the
 * epoch), and closes the user's connections. Idempotent.
 */
export async function revokeTokens(
  identity: Identity,
  until: number,
  context: Context,
): Promise<void> {
  await raise(await subjectKey(identity), until, context)
  await closeUser(identity, context)
}

async function closeUser(identity: Identity, context: Context): Promise<void> {
  const userId = await readUserId(await identityToken(identity), context)
  if (userId === undefined) return
  // Before the connections are listed, so that `connection.opened` closes those of logins under way.
  await raise(userKey(userId), Date.now(), context)
  await closeConnections(userId, context)
  context.log.info({ user: userId }, 'tokens revoked, connections closed')
}

/**
 * Returns whether a token is revoked: any token of a session that was logged out. While JetStream is
 * unavailable, no token counts as revoked.
 */
export async function isRevoked(
  { session, ...identity }: Revoked,
  issuedAt: number,
  context: Context,
): Promise<boolean> {
  const bucket = context.kv(REVOKED_TOKENS)
  const ofUser = await subjectKey(identity)
  const ofSession = session === undefined ? undefined : await sessionKey(identity, session)
  try {
    const reading = Promise.all([bucket.get(ofUser), ofSession && bucket.get(ofSession)])
    const [user, loggedOut] = await withTimeLimit(maxWaitMs, reading)
    return loggedOut !== undefined || (user !== undefined && issuedAt <= user.value.until)
  } catch (error) {
    context.log.warn({ err: error }, 'revoked tokens unavailable, accepting the login')
    return false
  }
}

/**
 * Returns whether a user's tokens were revoked after a connection was opened. False while JetStream is
 * unavailable.
 */
export async function wasRevokedSince(
  userId: string,
  openedAt: Date,
  context: Context,
): Promise<boolean> {
  try {
    const entry = await withTimeLimit(maxWaitMs, context.kv(REVOKED_TOKENS).get(userKey(userId)))
    return entry !== undefined && openedAt.getTime() <= entry.value.until
  } catch (error) {
    context.log.warn({ err: error, user: userId }, 'revoked tokens unavailable')
    return false
  }
}

/** Closes the connections that a user has on any server. Connections that are opened later stay. */
export async function closeConnections(
  userId: string,
  { system }: Pick<Context, 'system'>,
): Promise<void> {
  const startedAt = Date.now()
  const first = await system.connections(userId)
  await Promise.all(first.map((connection) => system.disconnect(connection)))
  // A server that answers late is missing in the first list. Clients may have connected again meanwhile.
  for (let round = 0; round < 2; round++) {
    const connections = await system.connections(userId)
    const old = connections.filter(({ openedAt }) => openedAt.getTime() <= startedAt)
    if (old.length === 0) return
    await Promise.all(old.map((connection) => system.disconnect(connection)))
  }
}

/** Returns whether a logout token or an event of the provider has been processed. */
export async function isUsed(issuer: string, id: string, context: Context): Promise<boolean> {
  const entry = await context.kv(REVOKED_TOKENS).get(await usedKey(issuer, id))
  return entry !== undefined
}

export async function markUsed(issuer: string, id: string, context: Context): Promise<void> {
  await context.kv(REVOKED_TOKENS).put(await usedKey(issuer, id), { until: Date.now() })
}

/** Returns the time of the last event that was read, in milliseconds since the epoch; 0 if there is none. */
export async function readCursor(context: Context): Promise<number> {
  return (await context.kv(REVOKED_TOKENS).get(cursorKey))?.value.until ?? 0
}

export async function writeCursor(time: number, context: Context): Promise<void> {
  await raise(cursorKey, time, context)
}

async function raise(key: string, until: number, context: Context): Promise<void> {
  const bucket = context.kv(REVOKED_TOKENS)
  for (;;) {
    const entry = await bucket.get(key)
    if (entry && entry.value.until >= until) return
    const isWritten = entry
      ? await bucket.update(key, { until }, entry.revision)
      : await bucket.create(key, { until })
    if (isWritten) return
  }
}

const subjectKey = async (identity: Identity) => `subject.${await identityToken(identity)}`
const sessionKey = async ({ issuer }: Identity, session: string) =>
  `session.${await identityToken({ issuer, subject: session })}`
const usedKey = async (issuer: string, tokenId: string) =>
  `used.${await identityToken({ issuer, subject: tokenId })}`
const cursorKey = 'events'
const userKey = (userId: string) => `user.${userId}`
