import { AuthorizationError, type NatsConnection } from '@nats-io/nats-core'
import { connectNode } from './transport.ts'

/**
 * Connects to a server, and reconnects without limit when the connection is lost. If the server rejects
 * the credentials, throws an Error that names `variable`.
 */
export async function connectToNats(
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
    throw new Error(
      `${variable}: the server at ${host} rejects ${user ? `the user ${user}` : 'connections without a user'}`,
      {
        cause: error,
      },
    )
  }
}
