import { setTimeout } from 'node:timers/promises'
import { AuthorizationError, type NatsConnection } from '@nats-io/nats-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRequester } from '#runtime/client'
import { identityToken } from '#schema/identity'
import { createLoginFixture, type LoginFixture, requestAsAlice } from '../support/login-fixture.ts'
import type { Claims } from '../support/token-issuer.ts'

let fixture: LoginFixture

beforeAll(async () => {
  fixture = await createLoginFixture()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

async function askUserId(nc: NatsConnection, { sub }: { sub: string }): Promise<string> {
  const token = await identityToken({ issuer: fixture.tokenIssuer.issuer, subject: sub })
  const requester = createRequester(nc, token)
  const answer = await requester.request(`as.${token}.users.id`, '', { timeoutMs: 5_000 })
  requester.close()
  return answer.json<{ userId: string }>().userId
}

const now = () => Math.floor(Date.now() / 1_000)

async function connectWith(claims?: Claims): Promise<NatsConnection> {
  const nc = await fixture.connect(await fixture.tokenIssuer.token(claims))
  onTestFinished(() => nc.close())
  return nc
}

/**
 * Matches a login that is rejected within two seconds. The log of nats-server and the log of the
 * runtime must contain the reason, and must not contain the token.
 */
const rejectedWith = (reason: RegExp) => ({
  message: expect.stringContaining('Authorization Violation'),
  durationMs: expect.toSatisfy((ms: number) => ms < 2_000),
  serverLog: expect.stringMatching(reason),
  runtimeLog: expect.stringMatching(reason),
  leaksToken: false,
})

describe('auth.callout', () => {
  it('accepts an access token, and lets the client call functions as the user of the token', async () => {
    const nc = await connectWith({ preferred_username: 'alice' })

    const answer = await requestAsAlice(nc, 'as.alice.whoami')
    expect(answer.json()).toEqual({ caller: 'alice' })
  })

  it.each([
    ['jane.doe', /^jane-doe-[0-9a-f]{8}$/],
    ['li@example.com', /^li-example-com-[0-9a-f]{8}$/],
    ['Upper', /^upper-[0-9a-f]{8}$/],
    ['Łukasz Żak', /^ukasz-zak-[0-9a-f]{8}$/],
    ['王小明', /^user-[0-9a-f]{8}$/],
    ['*', /^user-[0-9a-f]{8}$/],
    ['constructor', /^constructor-[0-9a-f]{8}$/],
    ['__proto__', /^proto-[0-9a-f]{8}$/],
    ['_app_poll', /^app-poll-[0-9a-f]{8}$/],
    ['all', /^all-[0-9a-f]{8}$/],
    ['carol_1', /^carol_1$/],
  ])('derives an id that is valid in a NATS subject from the user name %s', async (name, id) => {
    const claims = { preferred_username: name, sub: crypto.randomUUID() }

    const userId = await askUserId(await connectWith(claims), claims)

    expect(userId).toMatch(id)
    const nc = await connectWith(claims)
    const requester = createRequester(nc, userId)
    const answer = await requester.request(`as.${userId}.whoami`, '', { timeoutMs: 5_000 })
    expect(answer.json()).toEqual({ caller: userId })
  })

  it('keeps the id of a user whose user name changes, and gives another id to a new user with the old name', async () => {
    const before = { preferred_username: `dora-${crypto.randomUUID()}`, sub: crypto.randomUUID() }
    const userId = await askUserId(await connectWith(before), before)
    expect(userId).toBe(before.preferred_username)

    const renamed = { ...before, preferred_username: 'dora.new' }
    expect(await askUserId(await connectWith(renamed), renamed)).toBe(userId)
    const successor = { ...before, sub: crypto.randomUUID() }
    expect(await askUserId(await connectWith(successor), successor)).toMatch(
      /^dora-.*-[0-9a-f]{8}$/,
    )
  })

  it('gives a user the same id in concurrent first logins and after a restart of the runtime', async () => {
    const claims = { preferred_username: 'eve.x', sub: crypto.randomUUID() }
    const connections = await Promise.all(Array.from({ length: 10 }, () => connectWith(claims)))
    const ids = await Promise.all(connections.map((nc) => askUserId(nc, claims)))
    await fixture.runtime.restart()

    ids.push(await askUserId(await connectWith(claims), claims))
    expect(new Set(ids).size).toBe(1)
  })

  it('accepts the access token as a password', async () => {
    const pass = await fixture.tokenIssuer.token()
    const nc = await fixture.connect('', { token: undefined, user: 'bob', pass })
    onTestFinished(() => nc.close())

    expect((await requestAsAlice(nc, 'as.alice.whoami')).json()).toEqual({ caller: 'alice' })
  })

  it('accepts a token without azp whose aud contains an allowed client', async () => {
    const nc = await connectWith({ azp: undefined, aud: ['account', 'nats-chat-app'] })

    expect((await requestAsAlice(nc, 'as.alice.whoami')).json()).toEqual({ caller: 'alice' })
  })

  it('lets a user without a role call only functions whose audience is `everyone`', async () => {
    const nc = await connectWith({ realm_access: { roles: [] } })

    expect((await requestAsAlice(nc, 'as.alice.whoami')).json()).toEqual({ caller: 'alice' })
    await expect(requestAsAlice(nc, 'as.alice.work')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('keeps a connection whose token expires, and closes it when CONNECTION_TTL has passed', async () => {
    const ttlS = 6
    await using short = await createLoginFixture(undefined, { CONNECTION_TTL: String(ttlS) })
    const openedAt = Date.now()
    const nc = await short.connect(await short.tokenIssuer.token({ exp: now() + 2 }))

    await nc.closed()
    const openMs = Date.now() - openedAt
    // The connection is closed at a random time in the last tenth of CONNECTION_TTL. It may be
    // closed a second earlier than that, because nats-server counts in whole seconds.
    expect(openMs).toBeGreaterThan(ttlS * 900 - 1_000)
  })

  it.each(['0', '-1', '1h', '86401'])(
    'does not start if CONNECTION_TTL is "%s"',
    async (CONNECTION_TTL) => {
      await expect(createLoginFixture(undefined, { CONNECTION_TTL })).rejects.toThrow(
        'CONNECTION_TTL must be a whole number of seconds, from one second to one day',
      )
    },
  )

  it('accepts tokens signed with a new key, and fetches the keys at most once for many unknown key ids', async () => {
    const { tokenIssuer } = fixture
    await tokenIssuer.rotate()
    const tryLogin = async () => (await connectWith()).isClosed()
    await expect.poll(tryLogin, { timeout: 5_000, interval: 200 }).toBe(false)
    const before = tokenIssuer.fetchCount()

    const flood = Array.from({ length: 20 }, async (_, index) =>
      fixture
        .connect(await tokenIssuer.token({}, { kid: `unknown-${index}` }))
        .catch(() => 'refused'),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['refused']))
    expect(tokenIssuer.fetchCount() - before).toBeLessThanOrEqual(1)
  })

  const invalidTokens: [what: string, claims: () => Claims, reason: RegExp][] = [
    ['of another issuer', () => ({ iss: 'http://elsewhere/realms/nats-chat' }), /"iss" claim/],
    [
      'of another client',
      () => ({ azp: 'other', aud: 'other' }),
      /another client: its azp is "other"/,
    ],
    ['without a client', () => ({ azp: undefined, aud: undefined }), /another client/],
    ['that has expired', () => ({ exp: now() - 60 }), /"exp" claim/],
    ['that has expired 2 s ago', () => ({ exp: now() - 2 }), /expired: its exp is \d+$/],
    ['with a lifetime of a year', () => ({ exp: now() + 365 * 24 * 3_600 }), /too long: .* 24 h/],
    ['that never expires', () => ({ exp: undefined }), /"exp" claim/],
    ['that is not valid yet', () => ({ nbf: now() + 60 }), /"nbf" claim/],
    ['without a typ', () => ({ typ: undefined }), /no access token: its typ is missing/],
    ['that is an ID token', () => ({ typ: 'ID' }), /no access token: its typ is "ID"/],
    ['without a subject', () => ({ sub: undefined }), /its sub identifies no user/],
    ...['', ' ', 'x'.repeat(256), 'a\r\nb', 'a\u202eb'].map(
      (name): [string, () => Claims, RegExp] => [
        `with the user name ${JSON.stringify(name)}`,
        () => ({ preferred_username: name }),
        /is no user name/,
      ],
    ),
  ]
  it.each(invalidTokens)(
    'rejects a token %s within two seconds, and logs the reason',
    async (_, claims, reason) => {
      const token = await fixture.tokenIssuer.token(claims())

      expect(await fixture.attemptLogin(token)).toEqual(rejectedWith(reason))
    },
  )

  it('rejects an empty token and a string that is not a JWT', async () => {
    expect(await fixture.attemptLogin('')).toEqual(rejectedWith(/token rejected: it is missing/))
    expect(await fixture.attemptLogin('abc')).toEqual(
      rejectedWith(/token rejected: Invalid Compact JWS/),
    )
  })

  it('rejects an unsigned token and a token signed with the public key as an HMAC secret', async () => {
    const [, payload] = (await fixture.tokenIssuer.token()).split('.')
    const head = Buffer.from('{"alg":"none"}').toString('base64url')
    const unsigned = `${head}.${payload}.`
    expect(await fixture.attemptLogin(unsigned)).toEqual(rejectedWith(/"alg".*not allowed/))

    const key = new TextEncoder().encode(JSON.stringify(fixture.tokenIssuer.publicKey()))
    const forged = await fixture.tokenIssuer.token({}, { alg: 'HS256', key })
    expect(await fixture.attemptLogin(forged)).toEqual(rejectedWith(/"alg".*not allowed/))
  })

  it('rejects a token whose payload was changed after signing', async () => {
    const [head, , signature] = (await fixture.tokenIssuer.token()).split('.')
    const [, payload] = (await fixture.tokenIssuer.token({ preferred_username: 'bob' })).split('.')

    const changed = `${head}.${payload}.${signature}`
    expect(await fixture.attemptLogin(changed)).toEqual(rejectedWith(/signature/))
  })

  it('accepts a token signed with a cached key while the issuer is unavailable', async () => {
    const token = await fixture.tokenIssuer.token()
    await fixture.tokenIssuer.stop()
    onTestFinished(() => fixture.tokenIssuer.start())

    const nc = await fixture.connect(token)
    onTestFinished(() => nc.close())
    expect((await requestAsAlice(nc, 'as.alice.whoami')).json()).toEqual({ caller: 'alice' })
  })

  it('closes the connection of a login while the token issuer does not respond, and accepts logins once it responds', async () => {
    const { tokenIssuer, runtime } = fixture
    const token = await tokenIssuer.token()
    tokenIssuer.hang()
    await runtime.restart()
    const from = runtime.log.end()
    const login = fixture.connect(token, { timeout: 60_000 }).catch((error: Error) => error)
    const reason = /cannot fetch the keys of .*timeout.*login not answered/
    await runtime.log.line(reason, { from, within: 15_000 })
    expect(await login).toBeInstanceOf(Error)
    expect(await login).not.toBeInstanceOf(AuthorizationError)

    await tokenIssuer.start()
    const tryLogin = async () => {
      const nc = await fixture.connect(token, { timeout: 1_000 })
      return nc.close().then(() => 'accepted')
    }
    await expect.poll(() => tryLogin().catch(String), { timeout: 15_000 }).toBe('accepted')
  })

  it('accepts a login that waited while the runtime was frozen', async () => {
    const token = await fixture.tokenIssuer.token()
    await fixture.runtime.kill('SIGSTOP')
    onTestFinished(() => fixture.runtime.kill('SIGCONT'))
    const login = fixture.connect(token, { timeout: 60_000 })
    // Waits longer than nats-server's default timeout for logins, and longer than the timeout of a
    // function call.
    await setTimeout(6_000)
    await fixture.runtime.kill('SIGCONT')

    onTestFinished(async () => (await login).close())
    expect((await requestAsAlice(await login, 'as.alice.whoami')).json()).toEqual({
      caller: 'alice',
    })
  })

  it('keeps existing connections when the runtime is killed, and accepts waiting logins after its restart', async () => {
    const before = await connectWith()
    await fixture.runtime.kill('SIGKILL')
    const pendingLogin = fixture.connect(await fixture.tokenIssuer.token(), {
      reconnect: true,
      waitOnFirstConnect: true,
      timeout: 1_000,
      ignoreAuthErrorAbort: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    })
    await fixture.runtime.restart()

    const afterRestart = await pendingLogin
    onTestFinished(() => afterRestart.close())
    for (const nc of [before, afterRestart])
      expect((await requestAsAlice(nc, 'as.alice.whoami')).json()).toEqual({ caller: 'alice' })
  })
})
