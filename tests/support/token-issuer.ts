import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'

/** `undefined` removes a default claim. */
export type Claims = { [Name in keyof JWTPayload]?: JWTPayload[Name] | undefined }

/** `key` replaces the issuer's current signing key. */
export interface SigningOptions extends Partial<JWTHeaderParameters> {
  key?: CryptoKey | Uint8Array
}

export interface TokenIssuer {
  issuer: string
  fetchCount(): number
  /** The number of all requests, even for unknown URLs. */
  requestCount(): number
  /** Returns a signed token. The default claims are those of alice. */
  token(claims?: Claims, signing?: SigningOptions): Promise<string>
  /** Replaces the signing key, and the key in the JWKS. Returns the id of the new key. */
  rotate(): Promise<string>
  publicKey(): JWK
  /**
   * Moves the keys to another URL. The discovery document names that URL, or `keysUrl` if given.
   */
  moveKeys(document?: { issuer?: string; keysUrl?: string; path?: string }): void
  /** Moves the keys to another URL, and redirects to it from the previous URL. */
  redirectKeys(): void
  /** Accepts connections without answering requests, until `start` is called. */
  hang(): void
  stop(): Promise<void>
  start(): Promise<void>
}

const certs = '/realms/nats-chat/protocol/openid-connect/certs'
const discovery = '/realms/nats-chat/.well-known/openid-configuration'

export async function startTokenIssuer(): Promise<TokenIssuer> {
  let count = 0
  let fetches = 0
  let requests = 0
  let movedTo: string | undefined
  let redirects = false
  let discoveredIssuer: string | undefined
  let keysUrl: string | undefined
  let hangs = false
  let current = await createKey(`key-${++count}`)
  let server = await listen(0)
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const issuer = `${origin}/realms/nats-chat`

  async function listen(port: number): Promise<Server> {
    const server = createServer(({ url }, response) => {
      requests++
      if (hangs) return
      if (url === certs && redirects) return response.writeHead(302, { location: movedTo }).end()
      if (url === discovery && movedTo && !redirects)
        return answer(response, {
          issuer: discoveredIssuer ?? issuer,
          jwks_uri: keysUrl ?? `${origin}${movedTo}`,
        })
      if (url !== (movedTo ?? certs)) return response.writeHead(404).end()
      fetches++
      answer(response, { keys: [current.jwk] })
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  return {
    issuer,
    fetchCount: () => fetches,
    requestCount: () => requests,
    token(claims = {}, { key, ...header } = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const defaults = {
        iss: issuer,
        aud: 'account',
        azp: 'nats-chat-app',
        iat: now,
        exp: now + 300,
        typ: 'Bearer',
        sub: subjectOf(claims.preferred_username ?? 'alice'),
        preferred_username: 'alice',
        realm_access: { roles: ['user'] },
      }
      return new SignJWT({ ...defaults, ...claims } as JWTPayload)
        .setProtectedHeader({ alg: 'RS256', kid: current.kid, ...header })
        .sign(key ?? current.privateKey)
    },
    async rotate() {
      current = await createKey(`key-${++count}`)
      return current.kid
    },
    publicKey: () => current.jwk,
    moveKeys(document = {}) {
      movedTo = document.path ?? '/somewhere/else'
      discoveredIssuer = document.issuer
      keysUrl = document.keysUrl
    },
    redirectKeys() {
      movedTo = '/somewhere/else'
      redirects = true
    },
    hang() {
      hangs = true
    },
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    async start() {
      hangs = false
      if (!server.listening) server = await listen(port)
    },
  }
}

async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
  return { kid, privateKey, jwk }
}

function answer(response: ServerResponse, body: object) {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}

/** Returns the claim `sub`, which is the same in each token with this user name. */
export function subjectOf(userName: unknown): string {
  return hash('sha256', JSON.stringify(userName), 'hex').slice(0, 32)
}
