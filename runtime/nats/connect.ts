import { AuthorizationError, type NatsConnection } from '@nats-io/nats-core'
import { connectNode } from './transport.ts'

/**
 * Connects, and stays connected for as long as the process lives. Throws an Error that names the
 * variable when the server refuses who its URL says we are; a server that is away, as it comes.
 */
export async function connectTo(
  variable: 'NATS_URL' | 'NATS_AUTH_URL',
  url: string,
  name: string,
): Promise<NatsConnection> {
  const { username, password, protocol, host } = new URL(url)
  const user = decodeURIComponent(username)
  try {
    return await connectNode({
      servers: `${protocol}//${host}`,
      name,
      ...(user ? { user, pass: decodeURIComponent(password) } : {}),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    })
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error
    throw new Error(`${variable}: the server at ${host} refuses ${user || 'who gives no name'}`, {
      cause: error,
    })
  }
}
