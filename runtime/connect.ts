import { connect, type NatsConnection } from '@nats-io/transport-node'

/** Connects, and stays connected for as long as the process lives. */
export async function connectTo(url: string, name: string): Promise<NatsConnection> {
  const { username, password, protocol, host } = new URL(url)
  return await connect({
    servers: `${protocol}//${host}`,
    name,
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  })
}
