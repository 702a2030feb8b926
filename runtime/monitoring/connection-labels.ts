import type { NatsConnection } from '@nats-io/nats-core'
import { LRUCache } from 'lru-cache'
import type { ClientConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

type ConnectionId = Pick<ClientConnection, 'server' | 'id'>
/**
 * The labels of the requested connections, in the order of the request. Null if the process does
 * not know a label.
 */
type Labels = (string | null)[]

const subject = 'connection.labels'
/**
 * This many labels take about 30 MB. Above this number, the least recently used labels are evicted,
 * even if their connections are open.
 */
const maxLabels = 100_000

/**
 * The labels that the auth callout has given to connections. nats-server does not store them: it
 * keeps only the user of a login. So each process stores the labels of the logins that it has
 * served.
 */
export class ConnectionLabels {
  readonly #nc: NatsConnection
  // Uses `maxSize` instead of the option `max` of LRUCache, which would allocate memory for all
  // entries when the cache is created.
  readonly #labels = new LRUCache<string, string>({ maxSize: maxLabels, sizeCalculation: () => 1 })

  constructor(nc: NatsConnection) {
    this.#nc = nc
    nc.subscribe(subject, {
      callback: (error, message) => {
        if (!error) message.respond(JSON.stringify(this.#answer(message.json())))
      },
    })
  }

  /**
   * Must be called for each login, even for a login without a label: this removes the label of an
   * earlier login on the same connection.
   */
  add(user: string, connection: ConnectionId, label: string | undefined): void {
    this.#labels.set(keyOf(user, connection), label ?? '')
  }

  async read(
    user: string,
    connections: readonly ClientConnection[],
  ): Promise<(string | undefined)[]> {
    if (connections.length === 0) return []
    const query = connections.map(({ server, id }) => ({ server, id }))
    const replies = await gather(this.#nc, subject, JSON.stringify({ user, connections: query }))
    const answers = replies.map((reply) => reply.json<Labels>())
    return connections.map((_, index) => {
      const [label, ...others] = new Set(answers.flatMap((labels) => labels[index] ?? []))
      return others.length > 0 ? undefined : label || undefined
    })
  }

  #answer({ user, connections }: { user: string; connections: ConnectionId[] }): Labels {
    return connections.map((connection) => this.#labels.get(keyOf(user, connection)) ?? null)
  }
}

function keyOf(user: string, { server, id }: ConnectionId): string {
  return `${server} ${id} ${user}`
}
