import { LRUCache } from 'lru-cache'
import { closeConnections, closeEndedSessions, findRevokedSince } from '#domain/auth/revocation'
import { maxEntries } from '#domain/cache/max-entries'
import { isDeactivatedUser } from '#domain/users/deactivation'
import { type Context, defineFunction, event } from '#runtime'
import { connectionOpened } from '#schema/messages/user'
import { DEACTIVATED_USERS, REVOKED_TOKENS } from '#schema/streams'

/** Maximum number of connections of a user. Each browser tab with the page has one. */
const maxConnections = 100
/**
 * A process counts the connections of a user only at every tenth login of this user. Counting is
 * slow, because each server goes through all its connections to find those of one user.
 */
const loginsPerCheck = 10

const logins = new LRUCache<string, number>(maxEntries(10_000))

/**
 * At every tenth login of a user, closes the user's newest connections if there are more than 100.
 * Each process counts logins for itself, so a user can have up to nine more connections for each
 * process. If the user was deactivated during the login, or all tokens of the user were revoked,
 * closes all connections of the user. If one session was logged out during the login, closes the
 * connections of that session.
 */
export default defineFunction(
  event(connectionOpened, { queue: 'auth-workers' }),
  async ({ client: { user, start } }, context) => {
    const [isDeactivated, revoked] = await Promise.all([
      isDeactivatedUser(user, context),
      findRevokedSince(user, new Date(start), context),
    ])
    if (isDeactivated || revoked === 'all') return closeConnections(user, context)
    if (revoked === 'session') await closeEndedSessions(user, context)
    const count = (logins.get(user) ?? 0) + 1
    logins.set(user, count % loginsPerCheck)
    if (count < loginsPerCheck) return
    await closeSurplus(user, maxConnections, context)
  },
  { resources: [DEACTIVATED_USERS, REVOKED_TOKENS] },
)

async function closeSurplus(user: string, max: number, { system, log }: Context): Promise<void> {
  const connections = await system.connections(user)
  const surplus = connections.slice(max)
  if (surplus.length === 0) return
  log.warn(
    { user, connections: connections.length, max },
    'too many connections, closing the newest',
  )
  await Promise.all(surplus.map((connection) => system.disconnect(connection)))
}
