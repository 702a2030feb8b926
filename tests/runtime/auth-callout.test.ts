import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type AuthGrant, type AuthRequest, FunctionError } from '#runtime'
import { readAccountSeed } from '../../runtime/auth-callout/nkey.ts'
import { type CalloutOptions, serveCallout } from '../../runtime/auth-callout/serve.ts'
import { readCurveSeed } from '../../runtime/auth-callout/xkey.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'

const subject = '$SYS.REQ.USER.AUTH'
const secrets = createSecrets()
const seedOf = (pair: nkeys.KeyPair) => new TextDecoder().decode(pair.getSeed())
const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600

describe('a seed', () => {
  it('is read as the nkeys library reads it', () => {
    const account = nkeys.createAccount()
    const key = readAccountSeed(seedOf(account))

    expect(key.publicKey).toBe(account.getPublicKey())
    expect(account.verify(Buffer.from('said'), key.sign('said'))).toBe(true)
    expect(account.verify(Buffer.from('not said'), key.sign('said'))).toBe(false)
  })

  it('seals and opens as the nkeys library does', () => {
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
    for (const short of ['', 'xkv1', 'xkv1 and then too little', 'xkv2'.padEnd(80)])
      expect(curve.open(Buffer.from(short), theirs.getPublicKey())).toBeUndefined()
  })

  it.each([
    ['', 'the seed is damaged'],
    ['secret', 'the seed contains a character that is not base32'],
    [`${secrets.calloutSeed.slice(0, -2)}AA`, 'the seed is damaged: its checksum does not match'],
    [secrets.calloutIssuer, 'it is not the seed of an account: those begin with SA'],
    [seedOf(nkeys.createUser()), 'it is not the seed of an account: those begin with SA'],
    [secrets.calloutXkeySeed, 'it is not the seed of an account: those begin with SA'],
  ])('that is none is refused, and not shown: %#', (seed, reason) => {
    expect(() => readAccountSeed(seed)).toThrow(reason)
    if (seed) expect(() => readAccountSeed(seed)).not.toThrow(seed)
  })
})

describe('the callout', () => {
  let dir: string
  let nats: NatsService
  let responder: NatsConnection
  let faults: string[]
  let asked: AuthRequest[]

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
    asked = []
    responder = await connectAs('auth', secrets.authPassword)
  })

  async function connectAs(user: string, pass: string, options = {}) {
    const nc = await connect({ servers: nats.url, user, pass, reconnect: false, ...options })
    onTestFinished(() => nc.close())
    return nc
  }

  /** In AUTH the server itself lets nobody ask; in other accounts anybody may, and nobody answers. */
  const connectAnywhere = () => connectAs('functions', secrets.functionsPassword)

  /** Answers logins by this until the test is over. */
  async function serve(
    admit: (login: AuthRequest) => Promise<AuthGrant>,
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
      (login) => {
        asked.push(login)
        return admit(login)
      },
    )
    await on.flush()
    return served
  }

  const admission = (changed: Partial<AuthGrant> = {}): AuthGrant => ({
    user: 'ada',
    account: 'CLIENTS',
    publish: ['as.ada.hello'],
    subscribe: ['_INBOX_ada.>'],
    expiresAt: inAnHour(),
    ...changed,
  })

  it('tells who knocks, and lets in who is admitted, with what was said and no more', async () => {
    await serve(async () => admission())
    const nc = await connectAs('whoever', 'a token', { inboxPrefix: '_INBOX_ada' })

    expect(asked).toEqual([{ token: 'a token', user: 'whoever', host: '127.0.0.1', kind: 'nats' }])
    const found = await fetch(`${nats.monitorUrl}/connz?auth=true&subs=true`)
    const { connections } = (await found.json()) as { connections: Record<string, string>[] }
    expect(connections).toContainEqual(
      expect.objectContaining({ authorized_user: 'ada', account: 'CLIENTS' }),
    )
    const refused = async (act: () => unknown) => {
      const told = (async () => {
        for await (const event of nc.status()) if (event.type === 'error') return event.error
      })()
      act()
      return told
    }
    expect(await refused(() => nc.publish('as.ada.other'))).toMatchObject({ operation: 'publish' })
    expect(await refused(() => nc.subscribe('other', { callback() {} }))).toMatchObject({
      operation: 'subscription',
    })
  })

  it('gives the reason of a refusal to the log, at once', async () => {
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

  it('keeps a fault to itself, and reports it', async () => {
    await serve(async () => {
      throw new TypeError('the database is at 10.0.0.7')
    })
    const from = nats.log.end()

    await expect(connectAs('ada', 'x')).rejects.toThrow('Authorization Violation')
    expect(await nats.log.line(/internal/, { from })).not.toContain('10.0.0.7')
    expect(faults).toEqual(['the database is at 10.0.0.7'])
  })

  it.each([
    ['an account that is not there', { account: 'NOWHERE' }],
    ['a time that has passed', { expiresAt: 1 }],
  ])('does not let in who is admitted to %s', async (_, changed) => {
    await serve(async () => admission(changed))

    await expect(connectAs('ada', 'x')).rejects.toThrow('Authorization Violation')
  })

  it('answers whoever was under way when it stops', async () => {
    const { promise: decided, resolve: decide } = Promise.withResolvers<AuthGrant>()
    const { promise: knocked, resolve: knock } = Promise.withResolvers<void>()
    const served = await serve(() => {
      knock()
      return decided
    })
    const waiting = connectAs('ada', 'x')
    await knocked

    const drained = served.drain()
    decide(admission())
    await drained
    expect((await waiting).isClosed()).toBe(false)
  })

  it('says nothing to what no server has signed', async () => {
    const anybody = await connectAnywhere()
    await serve(async () => admission(), { on: anybody })
    const server = nkeys.createServer()
    const claims = {
      iss: server.getPublicKey(),
      aud: 'nats-authorization-request',
      nats: {
        type: 'authorization_request',
        server_id: { id: server.getPublicKey() },
        user_nkey: nkeys.createUser().getPublicKey(),
        connect_opts: { auth_token: 'x' },
      },
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const unsigned = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`
    const signed = (by: nkeys.KeyPair) =>
      `${unsigned}.${Buffer.from(by.sign(Buffer.from(unsigned))).toString('base64url')}`
    const answered = anybody.subscribe('answers', { max: 1 })

    const unanswered = ['', 'null', 'a.b', 'a.b.c', `${unsigned}.`, signed(nkeys.createServer())]
    for (const message of [...unanswered, signed(server)])
      anybody.publish(subject, message, { reply: 'answers' })
    for await (const answer of answered) expect(answer.string()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(asked).toHaveLength(1)
    expect(faults).toHaveLength(unanswered.length)
    expect(faults.every((fault) => fault.startsWith('login not answered: '))).toBe(true)
  })

  it('survives headers that nobody can read', async () => {
    const anybody = await connectAnywhere()
    await serve(async () => admission(), { on: anybody })
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
    ['is another', seedOf(nkeys.createCurve()), /not encrypted for the key of NATS_CALLOUT_XKEY_SEED/],
  ])('reports that its key to what is sealed %s', async (_, xkeySeed, reason) => {
    await serve(async () => admission(), { xkeySeed })
    // Nobody answers it, so it hangs for as long as the server waits: longer than this test.
    connectAs('ada', 'x').catch(() => undefined)

    await expect.poll(() => faults).toEqual([expect.stringMatching(reason)])
  })

  it('names the variable whose seed is none', async () => {
    const admit = async () => admission()
    const { calloutSeed, calloutXkeySeed } = secrets

    await expect(serve(admit, { seed: calloutXkeySeed })).rejects.toThrow(
      /^NATS_CALLOUT_SEED is invalid/,
    )
    await expect(serve(admit, { xkeySeed: calloutSeed })).rejects.toThrow(
      /^NATS_CALLOUT_XKEY_SEED is invalid/,
    )
  })
})
