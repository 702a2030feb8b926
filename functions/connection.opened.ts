import { LRUCache } from 'lru-cache'
import { defineFunction, event } from '#runtime'
import { connectionOpened } from '#schema/messages/user'

/** A tab of the page has one connection. */
const maxConnections = 100
/** Listing a user's connections takes the server time for all its connections, so is done rarely. */
const loginsPerCheck = 10

const logins = new LRUCache<string, number>({ max: 10_000 })

/** Closes a user's newest connections when there are more than 100. */
export default defineFunction(
  event(connectionOpened, { queue: 'auth-workers' }),
  async ({ client: { user } }, { system, log }) => {
    const count = (logins.get(user) ?? 0) + 1
    logins.set(user, count % loginsPerCheck)
    if (count < loginsPerCheck) return
    const connections = await system.connections(user)
    const surplus = connections.slice(maxConnections)
    if (surplus.length === 0) return
    log.warn({ user, connections: connections.length }, 'too many connections, closing the newest')
    await Promise.all(surplus.map((connection) => system.disconnect(connection)))
  },
)
