import { connect, type NatsConnection } from '@nats-io/transport-node'
import { onTestFinished } from 'vitest'
import type { Servers } from './servers.ts'
import { fetchAccessToken } from './tokens.ts'

/** Opens `count` connections, which are closed when the test ends. */
export async function connectMany(
  servers: Servers,
  count: number,
  person = 'alice',
): Promise<NatsConnection[]> {
  const token = await fetchAccessToken(servers.urls.issuer, person)
  const open = () => connect({ servers: servers.urls.nats, token, reconnect: false })
  const connections = await Promise.all(Array.from({ length: count }, open))
  onTestFinished(async () => void (await Promise.all(connections.map((nc) => nc.close()))))
  return connections
}

export function connectAuth({ nats }: Servers): Promise<NatsConnection> {
  const { host, username, password } = new URL(nats.urlOf('auth'))
  return connect({ servers: host, user: username, pass: password })
}

interface Listed {
  data: { connections: { cid: number; subscriptions: number }[] }
}

export async function listConnections(auth: NatsConnection, user: string) {
  const query = JSON.stringify({ acc: 'CLIENTS', user, auth: true, sort: 'start' })
  const reply = await auth.request('connection.list', query)
  return reply.json<Listed>().data.connections
}
