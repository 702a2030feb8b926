import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { NatsPart } from '../stack/parts/nats.ts'
import { startNats } from '../stack/parts/nats.ts'
import { startRuntime } from '../stack/parts/runtime.ts'
import { findNatsServer } from '../stack/provision/nats-server.ts'
import { createSecrets } from '../stack/secrets.ts'
import { createBench } from './command-line.ts'

const root = join(import.meta.dirname, '..')

/** What a token says. */
export type Claims = { [Name in keyof JWTPayload]?: JWTPayload[Name] | undefined }

/** An issuer whose tokens say whatever a test wants, with a signature that is right. */
export interface TokenMaker {
  issuer: string
  /** How often its keys were fetched. */
  fetched(): number
  /** A token for alice, or for whom the claims say. A claim of undefined is left out. */
  token(claims?: Claims, header?: { kid?: string; alg?: string; key?: Uint8Array }): Promise<string>
  /** From now on another key signs, and the old one is no longer told. */
  rotate(): Promise<void>
  /** The public key as a PEM-like secret: what a forger would sign with. */
  publicKey(): Uint8Array
  stop(): Promise<void>
}

export async function startTokenMaker(): Promise<TokenMaker> {
  let count = 0
  let fetches = 0
  let current = await createKey()
  const server = createServer((request, response) => {
    if (!request.url?.endsWith('/protocol/openid-connect/certs'))
      return response.writeHead(404).end()
    fetches++
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [current.jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/nats-chat`

  async function createKey() {
    const kid = `key-${++count}`
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
    return {
      kid,
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    }
  }

  return {
    issuer,
    fetched: () => fetches,
    token(claims = {}, { kid = current.kid, alg = 'RS256', key } = {}) {
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
        .setProtectedHeader({ alg, kid })
        .sign(key ?? current.privateKey)
    },
    async rotate() {
      current = await createKey()
    },
    publicKey: () => new TextEncoder().encode(JSON.stringify(current.jwk)),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

export interface LoginGround extends AsyncDisposable {
  nats: NatsPart
  maker: TokenMaker
  connect(token: string, options?: Record<string, unknown>): Promise<NatsConnection>
}

/** The server of nats.conf, and a runtime that serves `auth.callout` and two functions to reach. */
export async function createLoginGround(): Promise<LoginGround> {
  await using made = new AsyncDisposableStack()
  const bench = made.use(await createBench())
  const maker = await startTokenMaker()
  made.defer(() => maker.stop())
  const secrets = createSecrets()
  const dir = await bench.write({})
  const nats = made.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const callout = JSON.stringify(join(root, 'functions', 'auth.callout.ts'))
  const functions = await bench.write({
    'auth.callout.ts': `export { default } from ${callout}\n`,
    'whoami.ts': asking('whoami', ['everyone']),
    'work.ts': asking('work', ['user', 'admin']),
    'inside.ts': asking('inside', ['functions']),
  })
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    OIDC_ISSUER: maker.issuer,
  }
  made.use(await startRuntime({ dir, env, functions, name: 'login' }))
  const all = made.move()
  return {
    nats,
    maker,
    connect: (token, options = {}) =>
      connect({
        servers: nats.url,
        token,
        reconnect: false,
        inboxPrefix: '_INBOX_alice',
        ...options,
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const asking = (subject: string, audience: string[]) => `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: '${subject}',
  audience: ${JSON.stringify(audience)},
  input: v.object({}),
  output: v.object({ caller: v.string() }),
}

export default defineFunction(contract, (_, { caller }) => ({ caller }))
`
