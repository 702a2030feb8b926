import { connect, type NatsConnection } from '@nats-io/transport-node'

export async function connectTo(url: string, name: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(url)
  return connect({ servers: host, user: username, pass: password, name })
}
