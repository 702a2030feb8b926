import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type AuthRequest, FunctionError } from '#runtime'
import type { Permissions } from '../../runtime/auth-callout/jwt.ts'
import { readAccountSeed } from '../../runtime/auth-callout/nkey.ts'
import { type CalloutOptions, serveCallout } from '../../runtime/auth-callout/serve.ts'
import { readCurveSeed } from '../../runtime/auth-callout/xkey.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'

const subject = '$SYS.REQ.USER.AUTH'
const secrets = createSecrets()
const seedOf = (pair: nkeys.KeyPair) => new TextDecoder().decode(pair.getSeed())
const withWrongChecksum = (seed: string) =>
  seed.slice(0, -2) + (seed.at(-2) === 'A' ? 'B' : 'A') + seed.at(-1)
const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600

describe('a seed', () => {
  it('gives a key whose signatures the nkeys library verifies', () => {
    const account = nkeys.createAccount()
    const key = readAccountSeed(seedOf(account))

    expect(key.publicKey).toBe(account.getPublicKey())
    expect(account.verify(Buffer.from('data'), key.sign('data'))).toBe(true)
    expect(account.verify(Buffer.from('other data'), key.sign('data'))).toBe(false)
  })

  it('gives a curve key that exchanges sealed data with the nkeys library', () => {
    const ours = nkeys.createCurve()
    const theirs = nkeys.createCurve()
    const curve = readCurveSeed(seedOf(ours))
    const data = Buffer.from('a secret')

    expect(theirs.open(curve.seal(data, theirs.getPublicKey()), ours.getPublicKey())).toEqual(
      new Uint8Array(data),
    )
    const sealed = theirs.seal(data, ours.getPublicKey())
    expect(curve.open(sealed, theirs.getPublicKey())).toEqual(new Uint8Array(data))
    expect(curve.open(sealed, nkeys.createCurve().getPublicKey())).toBeUndefined()
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
    expect(curve.open(sealed, theirs.getPublicKey())).toBeUndefined()
    for (const malformed of ['', 'xkv1', 'xkv1 and then too little', 'xkv2'.padEnd(80)])
      expect(curve.open(Buffer.from(malformed), theirs.getPublicKey())).toBeUndefined()
  })

  it.each([
    ['', 'the seed is damaged'],
    ['secret', 'the seed contains a character that is not base32'],
    [withWrongChecksum(secrets.calloutSeed), 'the seed is damaged: its checksum does not match'],
    [secrets.calloutIssuer, 'it is not the seed of an account: those begin with SA'],
    [seedOf(nkeys.createUser()), 'it is not the seed of an account: those begin with SA'],
    [secrets.calloutXkeySeed, 'it is not the seed of an account: those begin with SA'],
  ])(
    'that is invalid is rejected with an error that does not contain the seed (case %#)',
    (seed, reason) => {
      expect(() => readAccountSeed(seed)).toThrow(reason)
      if (seed) expect(() => readAccountSeed(seed)).not.toThrow(seed)
    },
  )
})

describe('the auth callout', () => {
  let dir: string
  let nats: NatsService
  let responder: NatsConnection
  let faults: string[]
  let requests: AuthRequest[]

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-callout-'))
    nats = await startNats({ dir, binary: await findNatsServer(), secrets })
  })
  afterAll(async () => {
    await nats?.stop()
    await rm(dir, { recursive: true, force: true })
  })
  beforeEach(async () => {
    faults = []
    requests = []
    responder = await connectAs('auth', secrets.authPassword)
  })

  async function connectAs(user: string, pass: string, options = {}) {
    const nc = await connect({ servers: nats.url, user, pass, reconnect: false, ...options })
    onTestFinished(() => nc.close())
    return nc
  }

  /**
   * Connects to the account FUNCTIONS, in which a test can publish authorization requests itself.
   */
  const connectOutsideAuth = () => connectAs('functions', secrets.functionsPassword)

  async function serve(
    authenticate: (request: AuthRequest) => Promise<Permissions | undefined>,
    { on = responder, ...options }: Partial<CalloutOptions> & { on?: NatsConnection } = {},
  ) {
    const { calloutSeed: seed, calloutXkeySeed: xkeySeed } = secrets
    const served = serveCallout(
      on,
      {
        seed,
        xkeySeed,
        queue: 'auth',
        onFault: ({ message }) => void faults.push(message),
        ...options,
      },
      (request) => {
        requests.push(request)
        return authenticate(request)
      },
    )
    await on.flush()
    return served
  }

  const grant = (overrides: Partial<Permissions> = {}): Permissions => ({
    user: 'ada',
    account: 'CLIENTS',
    publish: ['as.ada.hello'],
    subscribe: ['_INBOX_ada.>'],
    expiresAt: inAnHour(),
    ...overrides,
  })

  it('passes the credentials to its handler, and gives the client only the granted permissions', async () => {
    await serve(async () => grant())
    const nc = await connectAs('whoever', 'a token', { inboxPrefix: '_INBOX_ada' })

    expect(requests).toEqual([
      { token: 'a token', user: 'whoever', host: '127.0.0.1', kind: 'nats' },
    ])
    const response = await fetch(`${nats.monitorUrl}/connz?auth=true&subs=true`)
    const { connections } = (await response.json()) as { connections: Record<string, string>[] }
    expect(connections).toContainEqual(
      expect.objectContaining({ authorized_user: 'ada', account: 'CLIENTS' }),
    )
    const violationOf = async (act: () => unknown) => {
      const violation = (async () => {
        for await (const event of nc.status()) if (event.type === 'error') return event.error
      })()
      act()
      return violation
    }
    expect(await violationOf(() => nc.publish('as.ada.other'))).toMatchObject({
      operation: 'publish',
    })
    expect(await violationOf(() => nc.subscribe('other', { callback() {} }))).toMatchObject({
      operation: 'subscription',
    })
  })

  it('refuses a connection without delay if its handler rejects the login, and the server logs the reason', async () => {
    await serve(async () => {
      throw new FunctionError('forbidden', 'not on a Sunday')
    })
    const from = nats.log.end()
    const started = performance.now()

    await expect(connectAs('ada', 'x')).rejects.toThrow('Authorization Violation')
    expect(performance.now() - started).toBeLessThan(2_000)
    await nats.log.line(/not on a Sunday/, { from })
    expect(faults).toEqual([])
  })

  it('refuses a connection if its handler throws an unexpected error, and does not send the error message to the server', async () => {
    await serve(async () => {
      throw new TypeError('the database is at 10.0.0.7')
    })
    const from = nats.log.end()

    await expect(connectAs('ada', 'x')).rejects.toThrow('Authorization Violation')
    expect(await nats.log.line(/internal/, { from })).not.toContain('10.0.0.7')
    expect(faults).toEqual(['the database is at 10.0.0.7'])
  })

  it('does not answer a login if its handler returns undefined, and accepts the next login', async () => {
    await serve(async () => (requests.length === 1 ? undefined : grant()))

    await expect(connectAs('ada', 'x', { timeout: 500 })).rejects.toThrow('timeout')
    expect((await connectAs('ada', 'x')).isClosed()).toBe(false)
    expect(faults).toEqual([])
  })

  it.each([
    ['an account that does not exist', { account: 'NOWHERE' }],
    ['an expiry in the past', { expiresAt: 1 }],
  ])('refuses the connection for a grant with %s', async (_, overrides) => {
    await serve(async () => grant(overrides))

    await expect(connectAs('ada', 'x')).rejects.toThrow('Authorization Violation')
  })

  it('answers pending logins while it drains', async () => {
    const { promise: decided, resolve: decide } = Promise.withResolvers<Permissions>()
    const { promise: requested, resolve: onRequest } = Promise.withResolvers<void>()
    const served = await serve(() => {
      onRequest()
      return decided
    })
    const connecting = connectAs('ada', 'x')
    await requested

    const drained = served.drain()
    decide(grant())
    await drained
    expect((await connecting).isClosed()).toBe(false)
  })

  it('answers a request only if it is an authorization request signed by a server', async () => {
    const client = await connectOutsideAuth()
    await serve(async () => grant(), { on: client })
    const server = nkeys.createServer()
    const id = server.getPublicKey()
    const request = {
      type: 'authorization_request',
      server_id: { id },
      user_nkey: nkeys.createUser().getPublicKey(),
      connect_opts: { auth_token: 'x' },
    }
    const claims = { iss: id, aud: 'nats-authorization-request', nats: request }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const encode = (value: object) => `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(value)}`
    const sign = (unsigned: string, by = server) =>
      `${unsigned}.${Buffer.from(by.sign(Buffer.from(unsigned))).toString('base64url')}`
    const signed = sign(encode(claims))
    const replies = client.subscribe('answers', { max: 1 })

    const invalid = [
      '',
      'null',
      'a.b',
      'a.b.c',
      `${encode(claims)}.`,
      `${signed}.more`,
      sign(encode(claims), nkeys.createServer()),
      sign(encode({ ...claims, iss: nkeys.createServer().getPublicKey() })),
      sign(encode({ ...claims, aud: 'another audience' })),
      sign(encode({ ...claims, nats: { ...request, type: 'authorization_response' } })),
      sign(encode({ ...claims, nats: { ...request, user_nkey: undefined } })),
    ]
    for (const message of [...invalid, signed])
      client.publish(subject, message, { reply: 'answers' })
    for await (const answer of replies) expect(answer.string()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(requests).toHaveLength(1)
    expect(faults).toHaveLength(invalid.length)
    expect(faults.every((fault) => fault.startsWith('login not answered: '))).toBe(true)
  })

  it('reports a request with malformed headers as a fault', async () => {
    const client = await connectOutsideAuth()
    await serve(async () => grant(), { on: client })
    const raw = createConnection(nats.ports.nats, '127.0.0.1')
    onTestFinished(() => void raw.destroy())
    const head = 'NATS/1.0\r\nNats Server Xkey: X\r\n\r\n'
    const login = { user: 'functions', pass: secrets.functionsPassword, headers: true }
    raw.write(`CONNECT ${JSON.stringify({ ...login, verbose: false })}\r\n`)
    raw.write(`HPUB ${subject} ${head.length} ${head.length + 1}\r\n${head}x\r\n`)

    await expect.poll(() => faults).toEqual([expect.stringMatching(/header/i)])
  })

  it.each([
    ['is missing', undefined, /the server encrypts its requests: set NATS_CALLOUT_XKEY_SEED/],
    [
      'differs from that of nats-server',
      seedOf(nkeys.createCurve()),
      /not encrypted for the key of NATS_CALLOUT_XKEY_SEED/,
    ],
  ])('reports a fault when its curve key %s', async (_, xkeySeed, reason) => {
    await serve(async () => grant(), { xkeySeed })
    // This login stays pending: the server waits for the answer of the auth callout longer than
    // this test runs.
    connectAs('ada', 'x').catch(() => undefined)

    await expect.poll(() => faults).toEqual([expect.stringMatching(reason)])
  })

  it('rejects an invalid seed with an error that names its environment variable', async () => {
    const authenticate = async () => grant()
    const { calloutSeed, calloutXkeySeed } = secrets

    await expect(serve(authenticate, { seed: calloutXkeySeed })).rejects.toThrow(
      /^NATS_CALLOUT_SEED is invalid/,
    )
    await expect(serve(authenticate, { xkeySeed: calloutSeed })).rejects.toThrow(
      /^NATS_CALLOUT_XKEY_SEED is invalid/,
    )
  })
})
