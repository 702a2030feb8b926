import type { NatsConnection } from '@nats-io/nats-core'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { ClientConnections } from '../monitoring/connections.ts'

const windowMs = 1_000
/**
 * More traffic than this could make the process fall behind. nats-server closes the connection of a
 * process when more than `max_pending` bytes wait to be sent to it.
 */
const maxBytesPerWindow = 8 * 1_024 * 1_024
const blockMs = 30_000
const blockedSubject = 'connection.blocked'

/**
 * Options that limit a cache to `count` entries. The option `max` of LRUCache would allocate memory
 * for all entries when the cache is created.
 */
const maxEntries = (count: number) => ({ maxSize: count, sizeCalculation: () => 1 })

/**
 * Closes the connections of a user who sends more than 8 MB in a second to this process. For 30
 * seconds, all processes then reject new logins of this user.
 */
export class TrafficGuard {
  readonly #nc: NatsConnection
  readonly #connections: ClientConnections
  readonly #log: Logger
  readonly #traffic = new LRUCache<string, { window: number; bytes: number }>(maxEntries(10_000))
  readonly #blocked = new LRUCache<string, true>({ ...maxEntries(10_000), ttl: blockMs })
  readonly #users = new LRUCache<string, string>(maxEntries(100_000))

  constructor(nc: NatsConnection, connections: ClientConnections, log: Logger) {
    this.#nc = nc
    this.#connections = connections
    this.#log = log
    nc.subscribe(blockedSubject, {
      callback: (error, message) => {
        if (!error) this.#receive(message.string())
      },
    })
  }

  /**
   * An alias is another value that stands for the user in the token `{caller}` of a subject. From
   * now on, counts the traffic of these aliases as traffic of the user. nats-server lists
   * connections by user, not by alias, so only a user's connections can be closed.
   */
  addAliases(user: string, aliases: readonly string[]): void {
    for (const alias of aliases) this.#users.set(alias, user)
  }

  count(caller: string, bytes: number): void {
    const user = this.#users.get(caller) ?? caller
    const window = Math.floor(performance.now() / windowMs)
    const traffic = this.#traffic.get(user)
    if (traffic?.window !== window) {
      this.#traffic.set(user, { window, bytes })
      return
    }
    traffic.bytes += bytes
    if (traffic.bytes > maxBytesPerWindow && !this.#blocked.has(user)) this.#block(user)
  }

  isBlocked(user: string): boolean {
    return this.#blocked.has(user)
  }

  /**
   * Blocks a user whom another process has blocked. A process knows the user of an alias only if it
   * has served a login of this user, so `blocked` may be an alias. If this process knows the user
   * of that alias, it blocks the user as well.
   */
  #receive(blocked: string) {
    this.#blocked.set(blocked, true)
    const user = this.#users.get(blocked)
    if (user !== undefined && !this.#blocked.has(user)) this.#block(user)
  }

  #block(user: string) {
    this.#blocked.set(user, true)
    this.#nc.publish(blockedSubject, user)
    this.#log.warn({ user }, 'user sends more than 8 MB per second, closing connections')
    this.#connections
      .closeAll(user)
      .catch((err) => this.#log.error({ err, user }, 'connections not closed'))
  }
}
