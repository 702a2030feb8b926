import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { isLoopbackHost } from '../services/host.ts'
import { openKeys } from './keys.ts'
import { realmPath } from './paths.ts'
import { createProvider } from './provider.ts'
import { openStore } from './store.ts'
import { readUsers } from './users.ts'

export interface IssuerOptions {
  dir: string
  /** Address to listen on. Loopback by default, because the passwords of the demo users are public. */
  host?: string
  port?: number
  url?: string | undefined
  /** The origins of the web app. If there are none, the client `nats-chat-app` does not exist. */
  webOrigins?: string[]
  /** The URL that receives a logout token when a session of the web app ends. */
  logoutUrl?: string | undefined
  /** Time to live of access tokens in seconds; 300 by default. */
  accessTokenTtl?: number
  log?: (message: string, error?: unknown) => void
}

export interface Issuer extends AsyncDisposable {
  issuer: string
  /** Creates a key that signs all later tokens, and returns the id of the key. */
  rotateKeys(): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts an OpenID provider with the paths and tokens of a Keycloak realm `nats-chat`. The client
 * `nats-chat-app` logs in with the code flow and PKCE, the client `natter-cli` with a password.
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { dir, host = '127.0.0.1', port = 0, url, log = () => {} } = options
  const { webOrigins = [], logoutUrl, accessTokenTtl = 300 } = options
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
    createProvider({
      issuer,
      keys,
      store,
      users,
      webOrigins,
      logoutUrl,
      accessTokenTtl,
      log,
    }).callback()
  let handle = provide()
  const isLocal = isLoopbackHost(host) && url === undefined
  server.on('request', (request, response) => {
    if (isLocal && !isLoopbackHost(request.headers.host)) {
      response.writeHead(421, { 'content-type': 'text/plain' })
      return response.end(`This server serves ${origin.origin} only.\n`)
    }
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
      // oidc-provider reads its keys only when it is created, so this creates a new one. Sessions
      // and tokens survive, because they are in the store.
      handle = provide()
      return kid
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The accepted paths of the realm. Older versions of Keycloak serve the realm below /auth. */
const prefixes = [realmPath, `/auth${realmPath}`]

/**
 * Returns whether a request is for the realm. If so, makes the path of the request relative to the
 * realm, and sets the headers from which oidc-provider takes the origin of URLs in the response.
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

function originOf(server: Server, host: string) {
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('The server has no port')
  if (['0.0.0.0', '::'].includes(host)) return `http://localhost:${address.port}`
  return `http://${isIPv6(host) ? `[${host}]` : host}:${address.port}`
}

const drainMs = 2000

async function close(server: Server) {
  const closed = once(server, 'close')
  server.close()
  const timer = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearTimeout(timer)
}
