import type { ClientConnection, Context } from '#runtime'
import { type Identity, identityToken } from '#schema/identity'
import { REVOKED_TOKENS } from '#schema/streams'
import { withTimeLimit } from '../cache/time-limit.ts'
import { readUserId } from './user-id.ts'

/**
 * The owner of revoked tokens: one session at the identity provider, or all sessions of a user if
 * `session` is undefined.
 */
export interface Revoked extends Identity {
  session: string | undefined
}

/** A login waits for JetStream at most this long. */
const maxWaitMs = 1_000
/**
 * Tokens that are issued within this time after a logout are revoked, too: the provider may renew tokens until
 * it has notified all its clients of the logout.
 */
const logoutTakesS = 5

/**
 * Rejects the tokens of a session that was logged out, and closes its connections. Without a session, does
 * the same for all sessions of the user. `at` is the time of the logout by the provider's clock, in seconds
 * since the epoch. Idempotent.
 */
export async function revokeSession(
  { session, ...identity }: Revoked,
  at: number,
  context: Context,
): Promise<void> {
  if (session === undefined) return revokeTokens(identity, at + logoutTakesS, context)
  await raise(sessionKey(await sessionLabel(identity.issuer, session)), at, context)
  // A token that names no session may belong to this session. So the user's tokens without a
  // session are revoked, too.
  const token = await identityToken(identity)
  await raise(withoutSessionKey(token), at + logoutTakesS, context)
  const userId = await readUserId(token, context)
  if (userId === undefined) return
  // This entry is written before the connections are listed. A login that is still in progress is
  // not in the list, but `connection.opened` finds the entry, and closes the connection of this
  // login.
  await raise(logoutKey(userId), Date.now(), context)
  await closeEndedSessions(userId, context)
  context.log.info({ user: userId }, 'session ended, its connections closed')
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
  const token = await identityToken(identity)
  await raise(subjectKey(token), until, context)
  const userId = await readUserId(token, context)
  if (userId === undefined) return
  // This entry is written before the connections are listed. A login that is still in progress is
  // not in the list, but `connection.opened` finds the entry, and closes the connection of this
  // login.
  await raise(userKey(userId), Date.now(), context)
  await closeConnections(userId, context)
  context.log.info({ user: userId }, 'tokens revoked, connections closed')
}

/**
 * Returns whether an access token is revoked. `identity` is the `identityToken` of its user, and
 * `label` the `sessionLabel` of its session, if it names one. While JetStream is unavailable, no
 * token counts as revoked.
 */
export async function isRevoked(
  identity: string,
  label: string | undefined,
  issuedAt: number,
  context: Context,
): Promise<boolean> {
  const bucket = context.kv(REVOKED_TOKENS)
  const ofSession = label === undefined ? withoutSessionKey(identity) : sessionKey(label)
  try {
    const reading = Promise.all([bucket.get(subjectKey(identity)), bucket.get(ofSession)])
    const [user, loggedOut] = await withTimeLimit(maxWaitMs, reading)
    const isBefore = (entry: typeof user) => entry !== undefined && issuedAt <= entry.value.until
    return isBefore(user) || (label === undefined ? isBefore(loggedOut) : loggedOut !== undefined)
  } catch (error) {
    context.log.warn({ err: error }, 'revoked tokens unavailable, accepting the login')
    return false
  }
}

/**
 * Returns which tokens of a user were revoked after a connection was opened: all tokens (`all`),
 * those of at least one session (`session`), or no tokens (`none`). Returns `none` while JetStream
 * is unavailable.
 */
export async function findRevokedSince(
  userId: string,
  openedAt: Date,
  context: Context,
): Promise<'all' | 'session' | 'none'> {
  const bucket = context.kv(REVOKED_TOKENS)
  try {
    const reading = Promise.all([bucket.get(userKey(userId)), bucket.get(logoutKey(userId))])
    const [all, session] = await withTimeLimit(maxWaitMs, reading)
    if (all && openedAt.getTime() <= all.value.until) return 'all'
    return session && openedAt.getTime() <= session.value.until ? 'session' : 'none'
  } catch (error) {
    context.log.warn({ err: error, user: userId }, 'revoked tokens unavailable')
    return 'none'
  }
}

/**
 * Closes, on all servers, the connections of a user's sessions that were logged out. Also closes connections
 * whose session is unknown: their clients connect again if the session has not ended.
 */
export async function closeEndedSessions(userId: string, context: Context): Promise<void> {
  const bucket = context.kv(REVOKED_TOKENS)
  await closeMatching(userId, context, async (connections) => {
    const labels = await context.system.connectionLabels(userId, connections)
    // A session that cannot be read counts as ended.
    const hasEnded = (label: string | undefined) =>
      label === undefined || bucket.get(sessionKey(label)).then(Boolean, () => true)
    const ended = await Promise.all(labels.map(hasEnded))
    return connections.filter((_, index) => ended[index])
  })
}

/** Closes the connections of a user on all servers. Does not close connections that are opened during the call. */
export async function closeConnections(
  userId: string,
  context: Pick<Context, 'system'>,
): Promise<void> {
  await closeMatching(userId, context, async (connections) => connections)
}

async function closeMatching(
  userId: string,
  { system }: Pick<Context, 'system'>,
  select: (connections: readonly ClientConnection[]) => Promise<readonly ClientConnection[]>,
): Promise<void> {
  const startedAt = Date.now()
  const kept = new Set<string>()
  const keyOf = ({ server, id }: ClientConnection) => `${server} ${id}`
  // A server that answers late is missing from the first list, so the connections are listed several
  // times. Later rounds skip connections that were opened after the start of this call: they may be
  // new logins with a valid token.
  for (let round = 0; round < 3; round++) {
    const listed = await system.connections(userId)
    const candidates = listed.filter(
      (connection) =>
        !kept.has(keyOf(connection)) && (round === 0 || connection.openedAt.getTime() <= startedAt),
    )
    const selected = new Set(await select(candidates))
    for (const connection of candidates) if (!selected.has(connection)) kept.add(keyOf(connection))
    if (round > 0 && selected.size === 0) return
    await Promise.all([...selected].map((connection) => system.disconnect(connection)))
  }
}

/**
 * Returns the label of the connections whose access token belongs to a session at the identity provider. It
 * contains no part of the session's id.
 */
export function sessionLabel(issuer: string, session: string): Promise<string> {
  return identityToken({ issuer, subject: session })
}

/** Returns whether a logout token or an event of the provider has been processed. */
export async function isUsed(issuer: string, id: string, context: Context): Promise<boolean> {
  const entry = await context.kv(REVOKED_TOKENS).get(await usedKey(issuer, id))
  return entry !== undefined
}

export async function markUsed(issuer: string, id: string, context: Context): Promise<void> {
  await context.kv(REVOKED_TOKENS).put(await usedKey(issuer, id), { until: Date.now() })
}

/**
 * Returns the time of the last Keycloak event that was read, in milliseconds since the epoch; 0 if
 * no event was read.
 */
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

const subjectKey = (identity: string) => `subject.${identity}`
const withoutSessionKey = (identity: string) => `without-session.${identity}`
const sessionKey = (label: string) => `session.${label}`
const usedKey = async (issuer: string, tokenId: string) =>
  `used.${await identityToken({ issuer, subject: tokenId })}`
const cursorKey = 'events'
const userKey = (userId: string) => `user.${userId}`
const logoutKey = (userId: string) => `logout.${userId}`
