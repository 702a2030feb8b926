import { on, once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { REVOKED_TOKENS } from '#schema/streams'
import { freePort } from '../../stack/ports.ts'
import { createLoginFixture, type LoginFixture } from '../support/login-fixture.ts'
import { type Claims, type SigningOptions, subjectOf } from '../support/token-issuer.ts'

/**
 * Maximum wait for a connection to close: five times the time in which a logout must close it. The
 * long wait hides no fault, because in these tests, only a logout closes connections.
 */
const maxMs = 25_000
const event = 'http://schemas.openid.net/event/backchannel-logout'

let fixture: LoginFixture
let port: number

beforeAll(async () => {
  port = await freePort()
  fixture = await createLoginFixture(undefined, { WEBHOOK_PORT: String(port) })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

const now = () => Math.floor(Date.now() / 1_000)

interface User {
  name: string
  /** Returns an access token of the session. It was issued `ageS` seconds ago, by default 60. */
  token(session: string | undefined, ageS?: number): Promise<string>
}

function createUser(): User {
  const name = `user-${crypto.randomUUID()}`
  return {
    name,
    token: (sid, ageS = 60) =>
      fixture.tokenIssuer.token({
        preferred_username: name,
        sid: sid && `${name} ${sid}`,
        iat: now() - ageS,
      }),
  }
}

async function open(token: string): Promise<NatsConnection> {
  const nc = await fixture.connect(token)
  onTestFinished(() => nc.close())
  return nc
}

const isRefused = (token: string) =>
  fixture.connect(token).then(
    (nc) => nc.close().then(() => false),
    () => true,
  )

/** Returns a logout token with Keycloak's claims and header. `undefined` removes a claim. */
function logoutToken(
  user: User,
  { sid, ...claims }: Claims = {},
  signing: SigningOptions = {},
): Promise<string> {
  return fixture.tokenIssuer.token(
    {
      aud: 'nats-chat-app',
      azp: undefined,
      typ: 'Logout',
      preferred_username: undefined,
      realm_access: undefined,
      sub: subjectOf(user.name),
      jti: crypto.randomUUID(),
      events: { [event]: {} },
      sid: typeof sid === 'string' ? `${user.name} ${sid}` : sid,
      ...claims,
    },
    { typ: 'logout+jwt', ...signing },
  )
}

const url = (path = '/oidc/backchannel-logout') => `http://127.0.0.1:${port}${path}`

async function post(logout_token: string) {
  const response = await fetch(url(), {
    method: 'POST',
    body: new URLSearchParams({ logout_token }),
  })
  return { status: response.status, body: await response.json() }
}

const accepted = { status: 200, body: {} }

/** Resolves with `closed`, or with `open` if the connection is still open after `maxMs`. */
const closes = (nc: NatsConnection) =>
  Promise.race([
    nc.closed().then(() => 'closed'),
    new Promise((resolve) => setTimeout(resolve, maxMs, 'open')),
  ])

describe('oidc.logout', () => {
  it('closes the connections of the session in the logout token, and rejects the access tokens of that session', async () => {
    const user = createUser()
    const [token, other] = [await user.token('here'), await user.token('elsewhere')]
    // The provider may still renew a token while it ends the session. So the time of issue of this
    // token is later than that of the logout token.
    const renewed = await user.token('here', -3)
    const connections = await Promise.all([open(token), open(token), open(renewed)])
    const bystanders = await Promise.all([open(other), open(await createUser().token('here too'))])

    expect(await post(await logoutToken(user, { sid: 'here' }))).toEqual(accepted)

    expect(await Promise.all(connections.map(closes))).toEqual(['closed', 'closed', 'closed'])
    const { message, runtimeLog } = await fixture.attemptLogin(token)
    expect(message).toContain('Authorization Violation')
    expect(runtimeLog).toBe('token rejected: its session has ended; log in again')
    expect(await isRefused(renewed)).toBe(true)
    expect(await isRefused(other)).toBe(false)
    expect(await isRefused(await user.token('a new one'))).toBe(false)
    for (const nc of bystanders) await nc.flush()
  })

  it('closes a connection whose token names no session when any session of its user is logged out, and rejects this token', async () => {
    const user = createUser()
    const token = await user.token(undefined)
    const nc = await open(token)

    expect(await post(await logoutToken(user, { sid: 'here', iat: now() - 20 }))).toEqual(accepted)

    expect(await closes(nc)).toBe('closed')
    expect(await isRefused(token)).toBe(true)
    expect(await isRefused(await user.token(undefined, 5))).toBe(false)
  })

  it('closes a connection that logged in twice, the second time with a token of the session', async () => {
    const user = createUser()
    const socket = connectSocket(Number(new URL(fixture.nats.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const closed = once(socket, 'close')
    const logIn = async (sid: string) => {
      const options = { auth_token: await user.token(sid), verbose: false, protocol: 1 }
      socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`)
      for await (const [data] of on(socket, 'data')) if (String(data).includes('PONG')) return
    }
    await logIn('elsewhere')
    await logIn('here')

    expect(await post(await logoutToken(user, { sid: 'here' }))).toEqual(accepted)

    await closed
  })

  it('rejects all earlier tokens of the user if the logout names no session, and accepts newer ones', async () => {
    const user = createUser()
    const tokens = [await user.token('one'), await user.token('two'), await user.token(undefined)]
    const connections = await Promise.all(tokens.map(open))

    expect(await post(await logoutToken(user, { iat: now() - 20 }))).toEqual(accepted)

    expect(new Set(await Promise.all(connections.map(closes)))).toEqual(new Set(['closed']))
    for (const token of tokens) expect(await isRefused(token)).toBe(true)
    expect(await isRefused(await user.token('one', 5))).toBe(false)
  })

  it('closes connections that are opened during the logout', async () => {
    const user = createUser()
    const token = await user.token('here')
    // The first login assigns the user id. Without a user id, a logout finds no connections.
    await open(token)
    const logins: Promise<NatsConnection | undefined>[] = []
    const logIn = () => logins.push(open(token).catch(() => undefined))
    const logoutOfSession = await logoutToken(user, { sid: 'here' })
    const timer = setInterval(logIn, 3)

    // A few connections are open when the logout arrives.
    await vi.waitUntil(() => logins.length >= 10)
    expect(await post(logoutOfSession)).toEqual(accepted)
    clearInterval(timer)

    for (const nc of await Promise.all(logins)) if (nc) expect(await closes(nc)).toBe('closed')
  })

  it('closes a connection whose login was not yet complete when the logout arrived', async () => {
    const user = createUser()
    const bucket = await new Kvm(await connectAs('functions')).open(REVOKED_TOKENS.bucket)
    // The time of the revocation is later than the start of the connection, as if the logout had
    // arrived during the login.
    await bucket.put(`user.${user.name}`, JSON.stringify({ until: Date.now() + 60_000 }))

    const nc = await open(await user.token('here')).catch(() => undefined)

    if (nc) expect(await closes(nc)).toBe('closed')
    const later = { until: Date.now() - 60_000 }
    await bucket.put(`user.${user.name}`, JSON.stringify(later))
    const next = await open(await user.token('here'))
    await next.flush()
    expect(next.isClosed()).toBe(false)
    // A logout of one session also closes connections whose token names no session.
    await bucket.put(`logout.${user.name}`, JSON.stringify({ until: Date.now() + 60_000 }))
    const other = await open(await user.token('elsewhere'))
    const unnamed = await open(await user.token(undefined))
    expect(await closes(unnamed)).toBe('closed')
    await other.flush()
  })

  it('rejects the tokens of the session even after a restart of the runtime; the next logout closes connections whose session is unknown, later ones do not', async () => {
    const user = createUser()
    const token = await user.token('here')
    await open(token)
    const other = await fixture.connect(await user.token('elsewhere'), {
      reconnect: true,
      reconnectTimeWait: 100,
    })
    onTestFinished(() => other.close())
    await post(await logoutToken(user, { sid: 'here' }))
    await other.flush()

    await fixture.runtime.restart()

    expect(await isRefused(token)).toBe(true)
    const changes: string[] = []
    void (async () => {
      for await (const { type } of other.status()) changes.push(type)
    })()
    // After the restart, no process knows the session of the open connection. So the logout of any
    // session of the user closes it.
    expect(await post(await logoutToken(user, { sid: 'somewhere' }))).toEqual(accepted)
    await expect.poll(() => changes, { timeout: maxMs }).toContain('reconnect')
    expect(await post(await logoutToken(user, { sid: 'anywhere' }))).toEqual(accepted)
    await other.flush()
    expect(changes.filter((type) => type === 'disconnect')).toHaveLength(1)
  })

  it('accepts the logout of a user who has never logged in', async () => {
    const user = createUser()

    expect(await post(await logoutToken(user, { sid: 'here' }))).toEqual(accepted)

    expect(await isRefused(await user.token('here'))).toBe(true)
  })

  it.each<[what: string, typ: string | undefined]>([
    ['of Keycloak', 'JWT'],
    ['of other providers', 'application/logout+jwt'],
    ['without a type', undefined],
  ])('accepts a logout token %s', async (_, typ) => {
    expect(await post(await logoutToken(createUser(), {}, { typ } as never))).toEqual(accepted)
  })

  it('rejects a logout token that is sent a second time', async () => {
    const user = createUser()
    const token = await logoutToken(user, { iat: now() - 20 })
    expect(await post(token)).toEqual(accepted)
    const nc = await open(await user.token('later', 0))

    expect(await post(token)).toEqual({
      status: 400,
      body: { code: 'invalid', message: 'logout token rejected: it was received before' },
    })
    expect(nc.isClosed()).toBe(false)
  })

  describe('leaves the connection open, and answers 400 with the reason, for a token', () => {
    let user: User
    let nc: NatsConnection
    beforeAll(async () => {
      user = createUser()
      nc = await fixture.connect(await user.token('here'))
    })
    afterAll(() => nc?.close())

    const claimed: [what: string, claims: () => Claims, reason: RegExp][] = [
      ['of another issuer', () => ({ iss: 'http://elsewhere' }), /unexpected "iss" claim value/],
      ['for another client', () => ({ aud: 'other' }), /unexpected "aud" claim value: "other"/],
      ['without an audience', () => ({ aud: undefined }), /"aud" claim: missing/],
      ['that has expired', () => ({ exp: now() - 60 }), /"exp" claim timestamp check failed/],
      [
        'that is eleven minutes old',
        () => ({ iat: now() - 660, exp: undefined }),
        /"iat" claim timestamp check failed \(too far in the past\)/,
      ],
      ['issued in the future', () => ({ iat: now() + 60 }), /"iat" claim timestamp check failed/],
      ['without a time of issue', () => ({ iat: undefined }), /missing required "iat" claim/],
      ['without an id', () => ({ jti: undefined }), /missing required "jti" claim/],
      ['without events', () => ({ events: undefined }), /its events claim has no .*: missing$/],
      ['with another event', () => ({ events: { other: {} } }), /has no .*: {"other":{}}$/],
      ['with an event that is no object', () => ({ events: { [event]: true } }), /claim has no/],
      ['with a list of events', () => ({ events: [event] }), /claim has no/],
      ['with a nonce', () => ({ nonce: 'n' }), /it has a nonce/],
      ['without a user', () => ({ sub: undefined }), /its sub is missing: the issuer must name/],
      ['with a number as the session', () => ({ sid: 1 }), /its sid is 1$/],
    ]
    it.each(claimed)('%s', async (_, claims, reason) => {
      const answer = await post(await logoutToken(user, { sid: 'here', ...claims() }))

      expect(answer).toEqual({
        status: 400,
        body: { code: 'invalid', message: expect.stringMatching(reason) },
      })
      expect(nc.isClosed()).toBe(false)
    })

    it.each<[what: string, forge: () => Promise<string>, reason: RegExp]>([
      [
        'that is signed with another key',
        async () => logoutToken(user, {}, { key: (await generateKeyPair('RS256')).privateKey }),
        /signature verification failed/,
      ],
      [
        'that is signed with the public key as a secret',
        async () => {
          const key = new TextEncoder().encode(JSON.stringify(fixture.tokenIssuer.publicKey()))
          return logoutToken(user, {}, { alg: 'HS256', key })
        },
        /"alg".*not allowed/,
      ],
      [
        'that is not signed',
        async () => {
          const [, payload] = (await logoutToken(user)).split('.')
          return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
        },
        /"alg".*not allowed/,
      ],
      ['that is an access token', () => user.token('here'), /"aud" claim|"jti" claim/],
      [
        'whose type is that of access tokens',
        () => logoutToken(user, {}, { typ: 'at+jwt' }),
        /its header has another typ: "at\+jwt"/,
      ],
      ['that is no JWT', async () => 'abc', /Invalid Compact JWS/],
      ['that is empty', async () => '', /Invalid Compact JWS/],
    ])('%s', async (_, forge, reason) => {
      const answer = await post(await forge())

      expect(answer).toEqual({
        status: 400,
        body: { code: 'invalid', message: expect.stringMatching(reason) },
      })
      expect(nc.isClosed()).toBe(false)
    })
  })

  it('answers 400 to a request without the parameter logout_token', async () => {
    const response = await fetch(url(), { method: 'POST', body: new URLSearchParams() })

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ message: expect.stringMatching(/logout_token/) })
  })

  it('cannot be called by users', async () => {
    const user = createUser()
    const nc = await fixture.connect(await user.token('here'), {
      inboxPrefix: `_INBOX_${user.name}`,
    })
    onTestFinished(() => nc.close())

    for (const subject of ['oidc.logout', `as.${user.name}.oidc.logout`])
      await expect(nc.request(subject, '{}')).rejects.toThrow(/Permissions Violation/i)
  })
})

describe('the right to close connections', () => {
  it('belongs to the auth callout only, not to users, functions or operators', async () => {
    const [attacker, victim] = [createUser(), createUser()]
    const bystander = await open(await victim.token('here'))
    const auth = await connectAs('auth')
    const query = JSON.stringify({ acc: 'CLIENTS', user: victim.name, auth: true })
    const listed = (await auth.request('connection.list', query)).json<{
      server: { id: string }
      data: { connections: { cid: number }[] }
    }>()
    const [{ cid } = { cid: 0 }] = listed.data.connections
    const kick = JSON.stringify({ cid })

    const user = await fixture.connect(await attacker.token('here'), {
      inboxPrefix: `_INBOX_${attacker.name}`,
    })
    onTestFinished(() => user.close())
    const { id } = listed.server
    for (const nc of [user, await connectAs('functions'), await connectAs('ops')])
      for (const subject of [`connection.close.${id}`, `$SYS.REQ.SERVER.${id}.KICK`])
        await expect(nc.request(subject, kick, { timeout: 1_000 })).rejects.toThrow(
          /Permissions Violation|no responders/i,
        )
    expect(bystander.isClosed()).toBe(false)

    // The request itself is valid: it succeeds for the auth callout, which has the right.
    await auth.request(`connection.close.${id}`, kick)
    expect(await closes(bystander)).toBe('closed')
  })
})

async function connectAs(name: 'auth' | 'functions' | 'ops'): Promise<NatsConnection> {
  const { host, username, password } = new URL(fixture.nats.urlOf(name))
  const nc = await connect({ servers: host, user: username, pass: password })
  onTestFinished(() => nc.close())
  return nc
}
