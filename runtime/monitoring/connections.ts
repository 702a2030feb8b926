import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { ClientConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

/** The maximum that the server returns at once. A user has far fewer connections. */
const maxListed = 1_024
const timeoutMs = 2_000

interface ServerReply {
  server: { id: string }
  data: { connections?: { cid: number; start: string }[] }
}

/**
 * Lists and closes connections of users, by the subjects `connection.…` that nats.conf imports from
 * the system account. Uses the connection of the auth callout, because users cannot congest it.
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

  async closeAll(user: string): Promise<void> {
    const nc = this.#require()
    const options = { strategy: 'stall', stall: 150, maxWait: timeoutMs } as const
    for await (const reply of await nc.requestMany('connection.list', query(user), options))
      await Promise.all(read(reply).map((connection) => this.close(connection)))
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
