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

/** What a token says. */
export type Claims = { [Name in keyof JWTPayload]?: JWTPayload[Name] | undefined }

/** How it is signed, when not as usual. */
export interface SigningOptions extends Partial<JWTHeaderParameters> {
  key?: CryptoKey | Uint8Array
}

/** An issuer whose tokens say whatever a test wants, with a signature that is right. */
export interface TokenIssuer {
  issuer: string
  /** How often its keys were fetched. */
  fetchCount(): number
  /** A token for alice, or for whom the claims say. A claim of undefined is left out. */
  token(claims?: Claims, signing?: SigningOptions): Promise<string>
  /** From now on another key signs, and the old one is no longer told. Answers the new one's id. */
  rotate(): Promise<string>
  /** The key that signs now, as everybody may know it. */
  publicKey(): JWK
  /** From now on its keys are where nobody but discovery says. */
  moveKeys(): void
  /** From now on it takes connections and answers nothing, until it is started. */
  hang(): void
  stop(): Promise<void>
  /** Once more, where it was. */
  start(): Promise<void>
}

const certs = '/realms/nats-chat/protocol/openid-connect/certs'
const discovery = '/realms/nats-chat/.well-known/openid-configuration'

export async function startTokenIssuer(): Promise<TokenIssuer> {
  let count = 0
  let fetches = 0
  let moved: string | undefined
  let hangs = false
  let current = await createKey(`key-${++count}`)
  let server = await listen(0)
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const issuer = `${origin}/realms/nats-chat`

  async function listen(port: number): Promise<Server> {
    const server = createServer(({ url }, response) => {
      if (hangs) return
      if (url === discovery && moved)
        return answer(response, { issuer, jwks_uri: `${origin}${moved}` })
      if (url !== (moved ?? certs)) return response.writeHead(404).end()
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
    token(claims = {}, { key, ...header } = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const usual = {
        iss: issuer,
        aud: 'account',
        azp: 'natter-cli',
        iat: now,
        exp: now + 300,
        typ: 'Bearer',
        preferred_username: 'alice',
        realm_access: { roles: ['user'] },
      }
      return new SignJWT({ ...usual, ...claims } as JWTPayload)
        .setProtectedHeader({ alg: 'RS256', kid: current.kid, ...header })
        .sign(key ?? current.privateKey)
    },
    async rotate() {
      current = await createKey(`key-${++count}`)
      return current.kid
    },
    publicKey: () => current.jwk,
    moveKeys() {
      moved = '/somewhere/else'
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
