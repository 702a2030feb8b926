import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { ClientConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

/** The maximum that the server returns at once. A user has far fewer connections. */
const maxListed = 1_024
const timeoutMs = 2_000

interface ServerReply {
  server: { id: string }
  data: {
    total: number
    connections?: { cid: number; start: string; account?: string }[]
  }
}

/**
 * Lists and closes connections of users, by the subjects `connection.…` that nats.conf imports from
 * the system account. Uses the connection of the auth callout, which users cannot congest.
 */
export class ClientConnections {
  #nc: NatsConnection | undefined

  attach(nc: NatsConnection): void {
    this.#nc = nc
  }

  async list(user: string): Promise<ClientConnection[]> {
    const replies = await gather(this.#require(), 'connection.list', query(user))
    return replies.flatMap(read).sort((a, b) => a.openedAt.getTime() - b.openedAt.getTime())
  }

  async close({ server, id }: ClientConnection): Promise<void> {
    const payload = JSON.stringify({ cid: id })
    await this.#require().request(`connection.close.${server}`, payload, { timeout: timeoutMs })
  }

  /** Closes all connections of a user, those of each server as soon as it has listed them. */
  async closeAll(user: string): Promise<void> {
    const nc = this.#require()
    const options = { strategy: 'stall', stall: 150, maxWait: timeoutMs } as const
    for await (const reply of await nc.requestMany('connection.list', query(user), options))
      await Promise.all(read(reply).map((connection) => this.close(connection)))
  }

  /**
   * Closes the connections whose login is not answered yet, so that their clients log in again. The
   * server sends a login only once, and lets it wait in vain if nobody responds at that moment.
   */
  async closePending(): Promise<void> {
    const nc = this.#require()
    for (let offset = 0, total = 1; offset < total; offset += maxListed) {
      const page = JSON.stringify({ auth: true, limit: maxListed, offset })
      const replies = (await gather(nc, 'connection.list', page)).map((reply) =>
        reply.json<ServerReply>(),
      )
      total = Math.max(0, ...replies.map(({ data }) => data.total))
      const pending = replies.flatMap(({ server, data }) =>
        (data.connections ?? [])
          .filter(({ account }) => !account)
          .map(({ cid, start }) => ({ server: server.id, id: cid, openedAt: new Date(start) })),
      )
      await Promise.all(pending.map((connection) => this.close(connection)))
    }
  }

  #require(): NatsConnection {
    if (this.#nc) return this.#nc
    throw new FunctionError('unavailable', 'This process does not serve the auth callout')
  }
}

function query(user: string): string {
  return JSON.stringify({ acc: 'CLIENTS', user, auth: true, limit: maxListed })
}

function read(reply: Msg): ClientConnection[] {
  const { server, data } = reply.json<ServerReply>()
  return (data.connections ?? []).map(({ cid, start }) => ({
    server: server.id,
    id: cid,
    openedAt: new Date(start),
  }))
}
