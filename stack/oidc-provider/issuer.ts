import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { openKeys } from './keys.ts'
import { realmPath } from './paths.ts'
import { createProvider } from './provider.ts'
import { openStore } from './store.ts'
import { readUsers } from './users.ts'

export interface IssuerOptions {
  /** Where keys, sessions and refresh tokens are kept; made if missing. */
  dir: string
  /** Loopback unless said otherwise: the passwords of the demo users are public. */
  host?: string
  /** Any free port by default. */
  port?: number
  /** The origin it is reached at, when that is not host and port. */
  url?: string | undefined
  /** Where the browser app is served from; without any, there is no such client. */
  webOrigins?: string[]
  /** How long an access token is good, in seconds; 300 by default. */
  accessTokenTtl?: number
  /** Told about faults; they are dropped by default. */
  log?: (message: string, error?: unknown) => void
}

export interface Issuer extends AsyncDisposable {
  /** What tokens name as iss. Discovery is below it. */
  issuer: string
  /** From now on signs with a new key, whose id it answers with. The last few stay published. */
  rotateKeys(): Promise<string>
  /** Lets requests under way finish, then lets go of everything. Stopping twice is stopping once. */
  stop(): Promise<void>
}

/**
 * Starts an OpenID provider that looks like a Keycloak with the realm `nats-chat`: its paths, its
 * tokens, the clients `nats-chat-app` (code with PKCE) and `natter-cli` (password). Throws if it
 * cannot listen or if what is in the folder is damaged.
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { dir, host = '127.0.0.1', port = 0, url, log = () => {} } = options
  const { webOrigins = [], accessTokenTtl = 300 } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const users = readUsers(dir)
  const keys = await openKeys(dir)

  await using starting = new AsyncDisposableStack()
  const store = openStore(dir)
  starting.defer(() => store.close())
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  starting.defer(() => close(server))

  const origin = new URL(url ?? originOf(server, host))
  const issuer = `${origin.origin}${realmPath}`
  const provide = () =>
    createProvider({ issuer, keys, store, users, webOrigins, accessTokenTtl, log }).callback()
  let handle = provide()
  server.on('request', (request, response) => {
    if (isBelowRealm(request, origin)) return handle(request, response)
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
  })

  const started = starting.move()
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= started.disposeAsync()
    return stopped
  }
  return {
    issuer,
    async rotateKeys() {
      const kid = await keys.rotate()
      // oidc-provider takes its keys once; what it knows besides is in the store.
      handle = provide()
      return kid
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Older Keycloaks, and our flows, have the realm below /auth; what it answers is the same. */
const prefixes = [realmPath, `/auth${realmPath}`]

/**
 * Whether a request is for the realm. If so, makes it relative to the realm and lets it come to the
 * issuer's own origin, so that every url in the answer is the issuer's.
 */
function isBelowRealm(request: IncomingMessage, { host, protocol }: URL) {
  const { url = '' } = request
  const prefix = prefixes.find((prefix) => url.startsWith(`${prefix}/`))
  if (!prefix) return false
  request.url = url.slice(prefix.length)
  request.headers['x-forwarded-host'] = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  Object.assign(request, { baseUrl: realmPath })
  return true
}

/** By the name it was given, unless that means every address. */
function originOf(server: Server, host: string) {
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('The server has no port')
  if (['0.0.0.0', '::'].includes(host)) return `http://localhost:${address.port}`
  return `http://${isIPv6(host) ? `[${host}]` : host}:${address.port}`
}

/** After so many ms a request under way is cut off. */
const patience = 2000

async function close(server: Server) {
  const closed = once(server, 'close')
  server.close()
  const impatient = setTimeout(() => server.closeAllConnections(), patience)
  await closed
  clearTimeout(impatient)
}
