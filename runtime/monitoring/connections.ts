import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { ClientConnection } from '../api/system.ts'
import { gather } from '../nats/gather.ts'

/** The maximum number of connections that each server returns. A user has far fewer. */
const maxListed = 1_024
const timeoutMs = 2_000

interface ServerReply {
  server: { id: string }
  data: { connections?: { cid: number; start: string; account?: string }[] }
}

/** A server lists a connection under this account until its login is complete. */
const globalAccount = '$G'

/**
 * Lists and closes connections of users, with requests on the subjects `connection.…`, which
 * nats.conf imports from the system account. Sends these requests on the connection that this
 * process has for the auth callout. Messages of users cannot congest that connection, because it
 * belongs to another account.
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

  async close({ server, id }: Pick<ClientConnection, 'server' | 'id'>): Promise<void> {
    const payload = JSON.stringify({ cid: id })
    await this.#require().request(`connection.close.${server}`, payload, { timeout: timeoutMs })
  }

  async closeAll(user: string): Promise<void> {
    const nc = this.#require()
    const options = { strategy: 'stall', stall: 150, maxWait: timeoutMs } as const
    for await (const reply of await nc.requestMany('connection.list', query(user), options))
      await Promise.all(read(reply).map((connection) => this.close(connection)))
  }

  /**
   * Closes connections whose logins have arrived while no process served the auth callout, so that
   * their clients log in again at once. No process will answer these logins, so the clients would
   * otherwise wait until their timeouts. Closes none if another process has connected for the auth
   * callout before this one, because it may still answer these logins.
   */
  async closeUnanswered(): Promise<void> {
    const nc = this.#require()
    const account = await readAccount(nc)
    const list = (acc: string) => gather(nc, 'connection.list', listQuery({ acc }))
    // Requests both lists at once. A list that is requested later would also contain newer logins,
    // which this process answers.
    const [callouts, waiting] = await Promise.all([
      list(account).then((replies) => replies.flatMap(read)),
      list(globalAccount).then((replies) => replies.flatMap(readWaiting)),
    ])
    const { server_id, client_id } = nc.info ?? {}
    const own = callouts.find(({ server, id }) => server === server_id && id === client_id)
    if (!own || callouts.some(({ openedAt }) => openedAt < own.openedAt)) return
    await Promise.all(waiting.map((connection) => this.close(connection)))
  }

  #require(): NatsConnection {
    if (this.#nc) return this.#nc
    throw new FunctionError('unavailable', 'This process does not serve the auth callout')
  }
}

const query = (user: string) => listQuery({ acc: 'CLIENTS', user })

function listQuery(filter: { acc: string; user?: string }): string {
  return JSON.stringify({ ...filter, auth: true, limit: maxListed })
}

async function readAccount(nc: NatsConnection): Promise<string> {
  const reply = await nc.request('$SYS.REQ.USER.INFO', '', { timeout: timeoutMs })
  return reply.json<{ data: { account: string } }>().data.account
}

const read = (reply: Msg) => readConnections(reply, () => true)
const readWaiting = (reply: Msg) => readConnections(reply, ({ account }) => account === undefined)

function readConnections(
  reply: Msg,
  isIncluded: (connection: { account?: string }) => boolean,
): ClientConnection[] {
  const { server, data } = reply.json<ServerReply>()
  return (data.connections ?? []).filter(isIncluded).map(({ cid, start }) => ({
    server: server.id,
    id: cid,
    openedAt: new Date(start),
  }))
}
