import type { NatsConnection } from '@nats-io/nats-core'
import { LRUCache } from 'lru-cache'
import type { ClientConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

type ConnectionId = Pick<ClientConnection, 'server' | 'id'>
/** The labels of the listed connections, in order. Null if the process does not know a label. */
type Labels = (string | null)[]

const subject = 'connection.labels'
/** About 30 MB. The label of a connection that lives longer becomes unknown. */
const maxLabels = 100_000

/**
 * The labels that the auth callout has given to connections. Each process remembers those of the logins
 * that it has served, because the server stores nothing of a user JWT besides the user.
 */
export class ConnectionLabels {
  readonly #nc: NatsConnection
  // The option `max` of LRUCache would allocate memory for all entries at once.
  readonly #labels = new LRUCache<string, string>({ maxSize: maxLabels, sizeCalculation: () => 1 })

  constructor(nc: NatsConnection) {
    this.#nc = nc
    nc.subscribe(subject, {
      callback: (error, message) => {
        if (!error) message.respond(JSON.stringify(this.#answer(message.json())))
      },
    })
  }

  add(user: string, connection: ConnectionId, label: string): void {
    this.#labels.set(keyOf(user, connection), label)
  }

  /**
   * Returns the connections of a user with their labels. A label is undefined if no process knows it, or if
   * processes know different ones: a client may log in again on the same connection.
   */
  async read(
    user: string,
    connections: readonly ClientConnection[],
  ): Promise<readonly ClientConnection[]> {
    if (connections.length === 0) return connections
    const query = connections.map(({ server, id }) => ({ server, id }))
    const replies = await gather(this.#nc, subject, JSON.stringify({ user, connections: query }))
    const answers = replies.map((reply) => reply.json<Labels>())
    return connections.map((connection, index) => {
      const [label, ...others] = new Set(answers.flatMap((labels) => labels[index] ?? []))
      return { ...connection, label: others.length > 0 ? undefined : label }
    })
  }

  #answer({ user, connections }: { user: string; connections: ConnectionId[] }): Labels {
    return connections.map((connection) => this.#labels.get(keyOf(user, connection)) ?? null)
  }
}

function keyOf(user: string, { server, id }: ConnectionId): string {
  return `${server} ${id} ${user}`
}
