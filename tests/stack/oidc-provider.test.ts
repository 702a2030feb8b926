import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createLogoutCheck } from '../../domain/auth/logout-token.ts'
import { type Issuer, type IssuerOptions, startIssuer } from '../../stack/oidc-provider/issuer.ts'
import {
  app,
  createClient,
  type IssuerClient,
  randomToken,
  readCallback,
  temporaryFolder,
} from '../support/oidc-client.ts'

const ttl = 77
const endpoints = 'protocol/openid-connect'

let dir: string
let issuer: Issuer
let url: string
let client: IssuerClient

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-issuer-'))
  issuer = await startIssuer({ dir, webOrigins: [app], accessTokenTtl: ttl })
  url = issuer.issuer
  client = createClient(url)
})

afterAll(async () => {
  await issuer?.stop()
  await rm(dir, { recursive: true, force: true })
})

describe('the discovery document', () => {
  it('has the same path and endpoints as in Keycloak', async () => {
    const found = await (await fetch(`${url}/.well-known/openid-configuration`)).json()

    expect(new URL(url).pathname).toBe('/realms/nats-chat')
    expect(found).toMatchObject({
      issuer: url,
      authorization_endpoint: `${url}/${endpoints}/auth`,
      token_endpoint: `${url}/${endpoints}/token`,
      jwks_uri: `${url}/${endpoints}/certs`,
      userinfo_endpoint: `${url}/${endpoints}/userinfo`,
      end_session_endpoint: `${url}/${endpoints}/logout`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
    })
  })

  it('is the same below /auth, where older versions of Keycloak serve the realm', async () => {
    const read = async (path: string) =>
      (await fetch(new URL(`${path}/.well-known/openid-configuration`, url))).json()

    expect(await read('/auth/realms/nats-chat')).toEqual(await read('/realms/nats-chat'))
  })

  it('names the same endpoints for a request with another host name', async () => {
    const { port } = new URL(url)
    const found = await fetch(
      `http://localhost:${port}/realms/nats-chat/.well-known/openid-configuration`,
    )

    expect(await found.json()).toMatchObject({ token_endpoint: `${url}/${endpoints}/token` })
  })

  it.each(['evil.example', '127.0.0.1.evil.example'])(
    'is not sent for a request with the Host header %s',
    async (host) => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const path = `${url}/.well-known/openid-configuration`
      request(path, { headers: { host } }, resolve).on('error', reject).end()

      expect((await promise).statusCode).toBe(421)
    },
  )

  it('refers to a key set without private keys', async () => {
    const { keys } = await (await fetch(`${url}/${endpoints}/certs`)).json()

    expect(keys).toEqual([
      {
        kty: 'RSA',
        alg: 'RS256',
        use: 'sig',
        kid: expect.any(String),
        n: expect.any(String),
        e: 'AQAB',
      },
    ])
  })

  it('is not found for another realm', async () => {
    const other = new URL('/realms/master/.well-known/openid-configuration', url)

    expect((await fetch(other)).status).toBe(404)
  })
})

describe('the password grant', () => {
  it.each([
    ['alice', 'Alice Adams', ['admin', 'user']],
    ['bob', 'Bob Brown', ['user']],
    ['charlie', 'Charlie Clark', []],
  ])("returns a token with the same claims as Keycloak's for %s", async (username, name, roles) => {
    const tokens = await client.login(username)

    const { payload, protectedHeader } = await client.verify(tokens.access_token)
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: url,
      aud: 'account',
      sub: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      azp: 'natter-cli',
      typ: 'Bearer',
      exp: Number(payload.iat) + ttl,
      iat: expect.any(Number),
      jti: expect.any(String),
      sid: expect.any(String),
      scope: 'openid profile email',
      preferred_username: username,
      name,
      given_name: name.split(' ')[0],
      family_name: name.split(' ')[1],
      email: `${username}@example.com`,
      email_verified: true,
      realm_access: { roles },
    })
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: ttl })
  })

  it('returns an ID token that is not accepted as an access token', async () => {
    const tokens = await client.login('bob')

    const { payload } = await client.verify(tokens.id_token)
    const { sub, sid } = (await client.verify(tokens.access_token)).payload
    expect(payload).toMatchObject({ typ: 'ID', aud: 'natter-cli', azp: 'natter-cli', sub, sid })
    expect(payload).not.toHaveProperty('realm_access')
  })

  it('returns the same sub for each login of a user', async () => {
    const [first, second] = await Promise.all([client.login('alice'), client.login('alice')])

    const subs = [first, second].map(
      async (tokens) => (await client.verify(tokens.access_token)).payload.sub,
    )
    expect(await subs[0]).toBe(await subs[1])
  })

  it.each([
    ['a wrong password', { username: 'alice', password: 'bob123' }],
    ['an unknown user name', { username: 'nobody', password: 'alice123' }],
    ['no password', { username: 'alice' }],
    ['a request without credentials', {}],
  ])('rejects %s with the same response as Keycloak', async (_what, credentials) => {
    const response = await client.ask({
      grant_type: 'password',
      client_id: 'natter-cli',
      ...credentials,
    })

    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'Invalid user credentials',
    })
  })

  it.each(['alice', 'nobody'])('slows down guesses of the password of %s', async (username) => {
    const dir = await temporaryFolder()
    await using own = await startIssuer({ dir })
    const { ask } = createClient(own.issuer)
    const guess = (password: string) =>
      ask({ grant_type: 'password', client_id: 'natter-cli', username, password })

    const statuses: number[] = []
    for (let count = 0; count < 7; count++) statuses.push((await guess(`wrong ${count}`)).status)
    const refused = await guess('alice123')
    const wait = Number(refused.headers.get('retry-after'))
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
    const later = await guess('alice123')

    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({
      error_description: expect.stringMatching(/^Too many failed attempts\. Try again in \d+ s\.$/),
    })
    expect(wait).toBeGreaterThan(0)
    expect(later.status).toBe(username === 'alice' ? 200 : 401)
  })

  it.each(['nats-chat-app', 'nobodys-client'])('rejects the client %s', async (client_id) => {
    const credentials = { username: 'alice', password: 'alice123' }
    const response = await client.ask({ grant_type: 'password', client_id, ...credentials })

    expect(response.ok).toBe(false)
    expect(await response.json()).not.toHaveProperty('access_token')
  })

  it.each(['a.*> <b>é</b>', ''])('logs in the user "%s" from users.json', async (username) => {
    const dir = await temporaryFolder()
    const users = [{ username, password: 'secret', roles: ['user'] }]
    await writeFile(join(dir, 'users.json'), JSON.stringify(users))
    const other = createClient((await start({ dir })).issuer)

    const tokens = await other.login(username, 'secret')

    const { payload } = await other.verify(tokens.access_token)
    expect(payload).toMatchObject({
      preferred_username: username,
      realm_access: { roles: ['user'] },
    })
  })

  it.each([
    ['invalid JSON', '[', /users\.json is not JSON/],
    ['a user without a password', '[{"username":"a"}]', /users\.json .* 0\.password/],
  ])(
    'is not served if users.json contains %s, because the provider does not start',
    async (_what, content, reason) => {
      const dir = await temporaryFolder()
      await writeFile(join(dir, 'users.json'), content)

      await expect(startIssuer({ dir })).rejects.toThrow(reason)
    },
  )
})

describe('the code flow', () => {
  it('shows the login page, then redirects to the app with a code that can be exchanged for tokens', async () => {
    const asked = client.request()
    const browser = client.browser()

    const page = await browser.open(asked.url)
    expect(page.status).toBe(200)
    expect(page.body).toContain('<title>Log in to Natter</title>')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    const back = await browser.submit(page, { username: 'alice', password: 'alice123' })
    const { code, state } = readCallback(back.location)
    const tokens = await (await client.redeem(code, asked.verifier)).json()

    expect(state).toBe(asked.state)
    const access = (await client.verify(tokens.access_token)).payload
    expect(access).toMatchObject({
      azp: 'nats-chat-app',
      aud: 'account',
      preferred_username: 'alice',
      realm_access: { roles: ['admin', 'user'] },
    })
    const { payload } = await client.verify(tokens.id_token)
    expect(payload).toMatchObject({
      typ: 'ID',
      aud: 'nats-chat-app',
      azp: 'nats-chat-app',
      nonce: asked.nonce,
      preferred_username: 'alice',
      sid: access.sid,
    })
  })

  it.each([
    ['style.css', 'text/css'],
    ['submit.js', 'text/javascript'],
  ])('serves the file %s for its pages', async (name, type) => {
    const response = await fetch(`${url}/assets/${name}`)

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
  })

  it('works with URLs whose path begins with /auth', async () => {
    const asked = client.request()
    const browser = client.browser()

    const page = await browser.open(asked.url.replace('/realms/', '/auth/realms/'))
    const back = await browser.submit(page, { username: 'bob', password: 'bob123' })

    expect((await client.redeem(readCallback(back.location).code, asked.verifier)).status).toBe(200)
  })

  it('shows an error for a wrong name or password, and accepts the next attempt', async () => {
    const browser = client.browser()
    const page = await browser.open(client.request().url)

    const username = '"><script>alert(1)</script>'
    const refused = await browser.submit(page, { username, password: 'wrong' })
    const back = await browser.submit(refused, { username: 'bob', password: 'bob123' })

    expect(refused.status).toBe(401)
    expect(refused.body).toMatch(/role="alert">Incorrect name or password/)
    expect(refused.body).not.toContain('<script>')
    expect(readCallback(back.location).code).toBeTruthy()
  })

  it('says how long to wait after several wrong passwords', async () => {
    const dir = await temporaryFolder()
    await using own = await startIssuer({ dir, webOrigins: [app] })
    const client = createClient(own.issuer)
    const browser = client.browser()
    let page = await browser.open(client.request().url)

    for (let count = 0; count < 6; count++)
      page = await browser.submit(page, { username: 'bob', password: 'wrong' })

    expect(page.status).toBe(429)
    expect(page.headers.get('retry-after')).toBe('1')
    expect(page.body).toMatch(/role="alert">Too many failed attempts\. Try again in 1 s\./)
  })

  it('rejects a sign-in that was started in another browser', async () => {
    const page = await client.browser().open(client.request().url)

    const other = await client.browser().submit(page, {
      username: 'bob',
      password: 'bob123',
    })

    expect(other).toMatchObject({ status: 400, location: undefined })
  })

  it.each([
    ['without a code verifier', undefined],
    ['with a wrong code verifier', randomToken()],
  ])('rejects a code %s', async (_what, verifier) => {
    const { code } = await client.signIn('alice')

    const response = await client.redeem(code, verifier)

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
  })

  it('accepts a code only once, even when it is sent twice at the same time', async () => {
    const { code, verifier } = await client.signIn('alice')

    const answers = await Promise.all([
      client.redeem(code, verifier),
      client.redeem(code, verifier),
    ])

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  it.each([
    ['no code challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a plain code challenge', { code_challenge_method: 'plain' }],
  ])('rejects an authorization request with %s', async (_what, changed) => {
    const answer = await client.browser().open(client.request(changed).url)

    const { searchParams } = new URL(answer.location ?? '')
    expect(searchParams.get('error')).toBe('invalid_request')
    expect(searchParams.has('code')).toBe(false)
  })

  it.each([
    'http://localhost:3000/elsewhere',
    'http://evil.example/callback',
    `${app}.evil/callback`,
  ])('does not redirect to %s, which is no registered URL', async (redirect_uri) => {
    const answer = await client.browser().open(client.request({ redirect_uri }).url)

    expect(answer).toMatchObject({ status: 400, location: undefined })
    expect(answer.body).toContain('redirect_uri')
  })

  it('returns a new code without showing a login form while the session lasts', async () => {
    const { browser } = await client.signIn('alice')
    const silent = client.request({ prompt: 'none', redirect_uri: `${app}/silent` })

    const known = await browser.open(silent.url)
    const unknown = await client.browser().open(silent.url)

    expect(readCallback(known.location).code).toBeTruthy()
    expect(new URL(unknown.location ?? '').searchParams.get('error')).toBe('login_required')
  })

  it('shows the login form for prompt=login, so that another user can log in', async () => {
    const { browser } = await client.signIn('alice')
    const asked = client.request({ prompt: 'login' })

    const page = await browser.open(asked.url)
    const handedOver = await browser.submit(page, { username: 'bob', password: 'bob123' })
    const back = await browser.submit(handedOver)
    const tokens = await (
      await client.redeem(readCallback(back.location).code, asked.verifier)
    ).json()

    const { payload } = await client.verify(tokens.access_token)
    expect(payload.preferred_username).toBe('bob')
  })
})

describe('the logout', () => {
  it('ends the session, invalidates the refresh and access tokens, and redirects to the app', async () => {
    const { browser, tokens } = await client.signInForTokens('alice')
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: `${app}/`,
    })

    const page = await browser.open(`${url}/${endpoints}/logout?${query}`)
    const back = await browser.submit(page, { logout: 'yes' })

    expect(page.body).toContain('/assets/submit.js')
    expect(back.location).toBe(`${app}/`)
    const silent = await browser.open(client.request({ prompt: 'none' }).url)
    expect(silent.location).toContain('error=login_required')
    expect((await client.refresh('nats-chat-app', tokens.refresh_token)).status).toBe(400)
    expect((await client.userinfo(tokens.access_token)).status).toBe(401)
  })

  it('sends a logout token that names the session, and succeeds even if no program receives it', async () => {
    const received = Promise.withResolvers<string>()
    const receiver = createServer(async (request, response) => {
      received.resolve(await text(request))
      response.writeHead(200).end()
      receiver.close()
    })
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const logoutUrl = `http://127.0.0.1:${port}/oidc/backchannel-logout`
    const folder = await temporaryFolder()
    await using own = await startIssuer({ dir: folder, webOrigins: [app], logoutUrl })
    const ownClient = createClient(own.issuer)
    const logOut = async () => {
      const { browser, tokens } = await ownClient.signInForTokens('alice')
      const query = new URLSearchParams({
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: `${app}/`,
      })
      const page = await browser.open(`${own.issuer}/${endpoints}/logout?${query}`)
      return { tokens, back: await browser.submit(page, { logout: 'yes' }) }
    }

    const { tokens, back } = await logOut()

    expect(back.location).toBe(`${app}/`)
    const logoutToken = new URLSearchParams(await received.promise).get('logout_token') ?? ''
    const { payload } = await ownClient.verify(tokens.access_token)
    const { issuer: name } = own
    const check = createLogoutCheck({
      issuer: name,
      internalUrl: name,
      clientIds: ['nats-chat-app'],
    })
    expect(await check.check(logoutToken)).toMatchObject({
      subject: payload.sub,
      session: payload.sid,
    })
    expect((await logOut()).back.location).toBe(`${app}/`)
  })

  it('asks for confirmation if the request has no id_token_hint', async () => {
    const { browser } = await client.signIn('alice')

    const page = await browser.open(`${url}/${endpoints}/logout`)

    expect(page.body).toContain('<title>Log out of Natter</title>')
    expect(page.body).not.toContain('<script')
  })
})

describe('the refresh token grant', () => {
  it.each([
    ['nats-chat-app', async () => (await client.signInForTokens('alice')).tokens],
    ['natter-cli', () => client.login('alice')],
  ])('returns new tokens for %s, and accepts each refresh token once', async (clientId, signIn) => {
    const tokens = await signIn()

    const renewed = await (await client.refresh(clientId, tokens.refresh_token)).json()
    const again = await client.refresh(clientId, tokens.refresh_token)

    const before = (await client.verify(tokens.access_token)).payload
    const { jti, iat, exp, ...after } = (await client.verify(renewed.access_token)).payload
    expect({ ...after, jti: before.jti, iat: before.iat, exp: before.exp }).toEqual(before)
    expect(after).toMatchObject({ preferred_username: 'alice', azp: clientId })
    expect(Number(exp) - Number(iat)).toBe(ttl)
    expect(jti).not.toBe(before.jti)
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token)
    expect(again.status).toBe(400)
    expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
  })

  it('revokes all tokens of a grant when a refresh token is used twice', async () => {
    const stolen = await client.login('bob')
    const renewed = await (await client.refresh('natter-cli', stolen.refresh_token)).json()
    await client.refresh('natter-cli', stolen.refresh_token)

    expect((await client.refresh('natter-cli', renewed.refresh_token)).status).toBe(400)
  })

  it('rejects the refresh token of another client', async () => {
    const tokens = await client.login('bob')

    expect((await client.refresh('nats-chat-app', tokens.refresh_token)).status).toBe(400)
  })

  it('accepts a refresh token after a restart of the provider, which keeps its keys', async () => {
    const dir = await temporaryFolder()
    const before = await start({ dir })
    const other = createClient(before.issuer)
    const tokens = await other.login('bob')
    await before.stop()

    const { port } = new URL(before.issuer)
    const after = await start({ dir, port: Number(port) })

    expect(after.issuer).toBe(before.issuer)
    await other.verify(tokens.access_token)
    const renewed = await (await other.refresh('natter-cli', tokens.refresh_token)).json()
    const { payload } = await other.verify(renewed.access_token)
    expect(payload.preferred_username).toBe('bob')
  })
})

describe('userinfo', () => {
  it('returns the user of an access token', async () => {
    const { access_token } = await client.login('alice')

    const response = await client.userinfo(access_token)

    const { sub } = (await client.verify(access_token)).payload
    expect(await response.json()).toMatchObject({ sub, preferred_username: 'alice' })
  })

  it('rejects an ID token and a malformed token', async () => {
    const { id_token } = await client.login('alice')

    const answers = await Promise.all([client.userinfo(id_token), client.userinfo('alice')])

    expect(answers.map(({ status }) => status)).toEqual([401, 401])
  })
})

describe('a new signing key', () => {
  it('signs new tokens, while tokens signed with the old key stay valid', async () => {
    const { issuer, rotateKeys } = await start({ dir: await temporaryFolder() })
    const other = createClient(issuer)
    const before = await other.login('bob')

    const kid = await rotateKeys()
    const after = await other.login('bob')

    expect(decodeProtectedHeader(after.access_token).kid).toBe(kid)
    expect(decodeProtectedHeader(before.access_token).kid).not.toBe(kid)
    await other.verify(before.access_token)
    await other.verify(after.access_token)
    expect((await other.refresh('natter-cli', before.refresh_token)).status).toBe(200)
    expect((await other.userinfo(before.access_token)).status).toBe(200)
  })
})

describe('a cross-origin request', () => {
  const paths = ['.well-known/openid-configuration', `${endpoints}/certs`, `${endpoints}/userinfo`]

  it.each(paths)('for %s is allowed from the origin of the app only', async (path) => {
    expect(await allowedOrigin(path, app)).toBe(app)
    expect(await allowedOrigin(path, 'http://evil.example')).toBe(null)
  })

  it('for tokens is allowed from the origin of the app only', async () => {
    const { tokens } = await client.signInForTokens('alice')
    const body = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    const form = { ...body, client_id: 'nats-chat-app' }

    const refused = await client.ask(form, { origin: 'http://evil.example' })
    const answered = await client.ask(form, { origin: app })

    expect(refused.status).toBe(400)
    expect(refused.headers.get('access-control-allow-origin')).toBe(null)
    expect(answered.status).toBe(200)
    expect(answered.headers.get('access-control-allow-origin')).toBe(app)
  })

  it('has a preflight request that is allowed from the origin of the app only', async () => {
    const preflight = (origin: string) =>
      fetch(`${url}/${endpoints}/userinfo`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
      })

    const answered = await preflight(app)
    const refused = await preflight('http://evil.example')

    expect(answered.headers.get('access-control-allow-origin')).toBe(app)
    expect(answered.headers.get('access-control-allow-headers')).toContain('authorization')
    expect(refused.headers.get('access-control-allow-origin')).toBe(null)
  })

  async function allowedOrigin(path: string, origin: string) {
    const response = await fetch(`${url}/${path}`, { headers: { origin } })
    return response.headers.get('access-control-allow-origin')
  }
})

async function start(options: IssuerOptions) {
  const started = await startIssuer(options)
  onTestFinished(() => started.stop())
  return started
}
