import {
  AuthorizationError,
  type ConnectionOptions,
  errors,
  type NatsConnection,
} from '@nats-io/nats-core'
import { connectionOptions, type NatsAddress } from './address.ts'
import { isSupportedServer, minServerVersion } from './server-version.ts'
import { connectNode } from './transport.ts'

const connectTimeoutMs = 5_000

/**
 * Connects to one of the servers, and reconnects without limit when the connection is lost. If the
 * server rejects the login, has no TLS although the address requires it, has a certificate that
 * cannot be verified, or is too old, throws an Error that names the variable, option or file with the
 * URLs (`address.source`). Other errors mean that no server is available.
 */
export async function connectToNats(address: NatsAddress, name: string): Promise<NatsConnection> {
  const nc = await openConnection(address, {
    name,
    maxReconnectAttempts: -1,
    // A server that hangs keeps its connections open. With these values, the client closes such a
    // connection after nine seconds without a pong. With the defaults, it would take minutes.
    pingInterval: 3_000,
    maxPingOut: 2,
    timeout: connectTimeoutMs,
    // These delays are short, because users cannot log in until the connection for the auth callout
    // is restored.
    reconnectTimeWait: 20,
    reconnectJitter: 30,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  })
  const version = nc.info?.version ?? 'unknown'
  if (isSupportedServer(version)) return nc
  const server = nc.getServer()
  await nc.close()
  throw new Error(
    `${address.source}: the server at ${server} is nats-server ${version}, and ${minServerVersion} ` +
      'or later is needed: upgrade it, or connect to another one',
  )
}

export async function openConnection(
  address: NatsAddress,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  try {
    // Ignores the addresses that the servers of a cluster announce. They may be internal addresses,
    // for which the certificates of the servers are not valid.
    const nc = await connectNode({
      ...connectionOptions(address),
      ignoreClusterUpdates: true,
      ...options,
    })
    restoreServers(nc, address)
    return nc
  } catch (error) {
    throw explain(error, address)
  }
}

/**
 * nats.js removes a server from its list if the server is unavailable at the first connect. Adds
 * such servers again, for later reconnects.
 */
function restoreServers(nc: NatsConnection, { servers }: NatsAddress) {
  const known = nc.getServers().map(({ listen }) => listen)
  if (servers.every((server) => known.includes(server))) return
  nc.setServers([...new Set([...servers, ...known])])
}

function explain(error: unknown, { source, servers, login, shown }: NatsAddress): unknown {
  const where = `${source}: the server at ${servers.join(' or ')}`
  const explained = (message: string) => new Error(message, { cause: error })
  if (error instanceof AuthorizationError) {
    const by = login === undefined ? 'connections without a login' : `the login of ${shown}`
    return explained(`${where} rejects ${by}: ${error.message}`)
  }
  if (error instanceof errors.ConnectionError && error.message.includes("support 'tls'"))
    return explained(
      `${where} has no TLS, which tls:// requires: configure TLS there, or write nats://`,
    )
  if (isCertificateError(error))
    return explained(
      `${where} has a certificate that cannot be verified: ${error.message}. For a private ` +
        'authority, set NODE_EXTRA_CA_CERTS to the file of its certificate.',
    )
  return error
}

/** Codes of certificate errors: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
function isCertificateError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false
  return /CERT|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$/.test(String(error.code))
}
