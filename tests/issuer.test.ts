import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Issuer, type IssuerOptions, startIssuer } from '../stack/issuer/issuer.ts'

const app = 'http://localhost:3000'
const ttl = 77
const endpoints = 'protocol/openid-connect'

let dir: string
let issuer: Issuer
let url: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-issuer-'))
  issuer = await startIssuer({ dir, webOrigins: [app], accessTokenTtl: ttl })
  url = issuer.issuer
})

afterAll(async () => {
  await issuer?.stop()
  await rm(dir, { recursive: true, force: true })
})

describe('discovery', () => {
  it('is where Keycloak has it, and names its endpoints', async () => {
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

  it('is the same below /auth', async () => {
    const read = async (path: string) =>
      (await fetch(new URL(`${path}/.well-known/openid-configuration`, url))).json()

    expect(await read('/auth/realms/nats-chat')).toEqual(await read('/realms/nats-chat'))
  })

  it('is the same for whom it reaches by another name', async () => {
    const { port } = new URL(url)
    const found = await fetch(
      `http://localhost:${port}/realms/nats-chat/.well-known/openid-configuration`,
    )

    expect(await found.json()).toMatchObject({ token_endpoint: `${url}/${endpoints}/token` })
  })

  it('publishes no private key', async () => {
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

  it('is not there for another realm', async () => {
    const other = new URL('/realms/master/.well-known/openid-configuration', url)

    expect((await fetch(other)).status).toBe(404)
  })
})

describe('the password grant', () => {
  it.each([
    ['alice', 'Alice Adams', ['admin', 'user']],
    ['bob', 'Bob Brown', ['user']],
    ['charlie', 'Charlie Clark', []],
  ])('gives %s a token as Keycloak would', async (username, name, roles) => {
    const tokens = await login(username)

    const { payload, protectedHeader } = await verify(tokens.access_token)
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

  it('gives an ID token that cannot pass for an access token', async () => {
    const tokens = await login('bob')

    const { payload } = await verify(tokens.id_token)
    const { sub, sid } = (await verify(tokens.access_token)).payload
    expect(payload).toMatchObject({ typ: 'ID', aud: 'natter-cli', azp: 'natter-cli', sub, sid })
    expect(payload).not.toHaveProperty('realm_access')
  })

  it('knows a user by the same sub every time', async () => {
    const [first, second] = await Promise.all([login('alice'), login('alice')])

    const subs = [first, second].map(
      async (tokens) => (await verify(tokens.access_token)).payload.sub,
    )
    expect(await subs[0]).toBe(await subs[1])
  })

  it.each([
    ['a wrong password', { username: 'alice', password: 'bob123' }],
    ['a name nobody has', { username: 'nobody', password: 'alice123' }],
    ['no password', { username: 'alice' }],
    ['nothing', {}],
  ])('refuses %s as Keycloak would', async (_what, credentials) => {
    const response = await ask({ grant_type: 'password', client_id: 'natter-cli', ...credentials })

    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'Invalid user credentials',
    })
  })

  it.each(['nats-chat-app', 'nobodys-client'])('is not for the client %s', async (client_id) => {
    const credentials = { username: 'alice', password: 'alice123' }
    const response = await ask({ grant_type: 'password', client_id, ...credentials })

    expect(response.ok).toBe(false)
    expect(await response.json()).not.toHaveProperty('access_token')
  })

  it.each(['a.*> <b>é</b>', ''])('knows the user "%s" of users.json', async (username) => {
    const dir = await temporaryFolder()
    const users = [{ username, password: 'secret', roles: ['user'] }]
    await writeFile(join(dir, 'users.json'), JSON.stringify(users))
    const other = await start({ dir })

    const tokens = await login(username, 'secret', other.issuer)

    const { payload } = await verify(tokens.access_token, other.issuer)
    expect(payload).toMatchObject({
      preferred_username: username,
      realm_access: { roles: ['user'] },
    })
  })

  it.each([
    ['no JSON', '[', /users\.json is not JSON/],
    ['a user without password', '[{"username":"a"}]', /users\.json .* 0\.password/],
  ])('does not start on a users.json with %s', async (_what, content, reason) => {
    const dir = await temporaryFolder()
    await writeFile(join(dir, 'users.json'), content)

    await expect(startIssuer({ dir })).rejects.toThrow(reason)
  })
})

describe('the code flow', () => {
  it('leads through the sign-in page to tokens for the app', async () => {
    const asked = createRequest()
    const browser = createBrowser()

    const page = await browser.open(asked.url)
    expect(page.status).toBe(200)
    expect(page.body).toContain('<title>Sign in to Natter</title>')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    const back = await browser.submit(page, { username: 'alice', password: 'alice123' })
    const { code, state } = readCallback(back.location)
    const tokens = await (await redeem(code, asked.verifier)).json()

    expect(state).toBe(asked.state)
    const access = (await verify(tokens.access_token)).payload
    expect(access).toMatchObject({
      azp: 'nats-chat-app',
      aud: 'account',
      preferred_username: 'alice',
      realm_access: { roles: ['admin', 'user'] },
    })
    const { payload } = await verify(tokens.id_token)
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
  ])('serves %s to its pages', async (name, type) => {
    const response = await fetch(`${url}/assets/${name}`)

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
  })

  it('works with its urls below /auth', async () => {
    const asked = createRequest()
    const browser = createBrowser()

    const page = await browser.open(asked.url.replace('/realms/', '/auth/realms/'))
    const back = await browser.submit(page, { username: 'bob', password: 'bob123' })

    expect((await redeem(readCallback(back.location).code, asked.verifier)).status).toBe(200)
  })

  it('says so when name or password is wrong, and lets one try again', async () => {
    const browser = createBrowser()
    const page = await browser.open(createRequest().url)

    const username = '"><script>alert(1)</script>'
    const refused = await browser.submit(page, { username, password: 'wrong' })
    const back = await browser.submit(refused, { username: 'bob', password: 'bob123' })

    expect(refused.status).toBe(401)
    expect(refused.body).toMatch(/role="alert">Name or password is wrong/)
    expect(refused.body).not.toContain('<script>')
    expect(readCallback(back.location).code).toBeTruthy()
  })

  it('does not go on with a sign-in begun in another browser', async () => {
    const page = await createBrowser().open(createRequest().url)

    const other = await createBrowser().submit(page, { username: 'bob', password: 'bob123' })

    expect(other).toMatchObject({ status: 400, location: undefined })
  })

  it.each([
    ['without a verifier', undefined],
    ['with another verifier', randomToken()],
  ])('refuses the code %s', async (_what, verifier) => {
    const { code } = await signIn('alice')

    const response = await redeem(code, verifier)

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
  })

  it('takes a code once, even from two at the same time', async () => {
    const { code, verifier } = await signIn('alice')

    const answers = await Promise.all([redeem(code, verifier), redeem(code, verifier)])

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  it.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a plain challenge', { code_challenge_method: 'plain' }],
  ])('refuses a request with %s', async (_what, changed) => {
    const answer = await createBrowser().open(createRequest(changed).url)

    const { searchParams } = new URL(answer.location ?? '')
    expect(searchParams.get('error')).toBe('invalid_request')
    expect(searchParams.has('code')).toBe(false)
  })

  it.each([
    'http://localhost:3000/elsewhere',
    'http://evil.example/callback',
    `${app}.evil/callback`,
  ])('sends nobody to %s', async (redirect_uri) => {
    const answer = await createBrowser().open(createRequest({ redirect_uri }).url)

    expect(answer).toMatchObject({ status: 400, location: undefined })
    expect(answer.body).toContain('redirect_uri')
  })

  it('renews silently as long as the session lasts', async () => {
    const { browser } = await signIn('alice')
    const silent = createRequest({ prompt: 'none', redirect_uri: `${app}/silent` })

    const known = await browser.open(silent.url)
    const unknown = await createBrowser().open(silent.url)

    expect(readCallback(known.location).code).toBeTruthy()
    expect(new URL(unknown.location ?? '').searchParams.get('error')).toBe('login_required')
  })

  it('gives a page asked for by force the next user', async () => {
    const { browser } = await signIn('alice')
    const asked = createRequest({ prompt: 'login' })

    const page = await browser.open(asked.url)
    const handedOver = await browser.submit(page, { username: 'bob', password: 'bob123' })
    const back = await browser.submit(handedOver)
    const tokens = await (await redeem(readCallback(back.location).code, asked.verifier)).json()

    const { payload } = await verify(tokens.access_token)
    expect(payload.preferred_username).toBe('bob')
  })
})

describe('signing out', () => {
  it('ends session, refresh token and userinfo, and leads back to the app', async () => {
    const { browser, tokens } = await signInForTokens('alice')
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: `${app}/`,
    })

    const page = await browser.open(`${url}/${endpoints}/logout?${query}`)
    const back = await browser.submit(page, { logout: 'yes' })

    expect(page.body).toContain('/assets/submit.js')
    expect(back.location).toBe(`${app}/`)
    const silent = await browser.open(createRequest({ prompt: 'none' }).url)
    expect(silent.location).toContain('error=login_required')
    expect((await refresh('nats-chat-app', tokens.refresh_token)).status).toBe(400)
    expect((await userinfo(tokens.access_token)).status).toBe(401)
  })

  it('asks first, by a page that waits, if the app has not said who', async () => {
    const { browser } = await signIn('alice')

    const page = await browser.open(`${url}/${endpoints}/logout`)

    expect(page.body).toContain('<title>Sign out of Natter</title>')
    expect(page.body).not.toContain('<script')
  })
})

describe('refreshing', () => {
  it('gives new tokens for both clients, and takes each refresh token once', async () => {
    const { tokens: appTokens } = await signInForTokens('alice')
    const cliTokens = await login('alice')

    for (const [client, tokens] of [
      ['nats-chat-app', appTokens],
      ['natter-cli', cliTokens],
    ] as const) {
      const renewed = await (await refresh(client, tokens.refresh_token)).json()
      const again = await refresh(client, tokens.refresh_token)

      const before = (await verify(tokens.access_token)).payload
      const after = (await verify(renewed.access_token)).payload
      expect(after).toEqual({ ...before, jti: after.jti, iat: after.iat, exp: after.exp })
      expect(after.jti).not.toBe(before.jti)
      expect(renewed.refresh_token).not.toBe(tokens.refresh_token)
      expect(again.status).toBe(400)
      expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
    }
  })

  it('takes a token that was stolen from everybody once it is used twice', async () => {
    const stolen = await login('bob')
    const renewed = await (await refresh('natter-cli', stolen.refresh_token)).json()
    await refresh('natter-cli', stolen.refresh_token)

    expect((await refresh('natter-cli', renewed.refresh_token)).status).toBe(400)
  })

  it('is not for another client', async () => {
    const tokens = await login('bob')

    expect((await refresh('nats-chat-app', tokens.refresh_token)).status).toBe(400)
  })

  it('survives a restart, and so do the keys', async () => {
    const dir = await temporaryFolder()
    const before = await start({ dir })
    const { port } = new URL(before.issuer)
    const tokens = await login('bob', 'bob123', before.issuer)
    await before.stop()

    const after = await start({ dir, port: Number(port) })

    expect(after.issuer).toBe(before.issuer)
    await verify(tokens.access_token, after.issuer)
    const response = await refresh('natter-cli', tokens.refresh_token, after.issuer)
    const renewed = await response.json()
    const { payload } = await verify(renewed.access_token, after.issuer)
    expect(payload.preferred_username).toBe('bob')
  })
})

describe('userinfo', () => {
  it('says whose an access token is', async () => {
    const { access_token } = await login('alice')

    const response = await userinfo(access_token)

    const { sub } = (await verify(access_token)).payload
    expect(await response.json()).toMatchObject({ sub, preferred_username: 'alice' })
  })

  it('takes neither an ID token nor what is no token', async () => {
    const { id_token } = await login('alice')

    const answers = await Promise.all([userinfo(id_token), userinfo('alice')])

    expect(answers.map(({ status }) => status)).toEqual([401, 401])
  })
})

describe('a new key', () => {
  it('signs from then on, while the old one is still published', async () => {
    const other = await start({ dir: await temporaryFolder() })
    const before = await login('bob', 'bob123', other.issuer)

    const kid = await other.rotateKeys()
    const after = await login('bob', 'bob123', other.issuer)

    expect(decodeProtectedHeader(after.access_token).kid).toBe(kid)
    expect(decodeProtectedHeader(before.access_token).kid).not.toBe(kid)
    await verify(before.access_token, other.issuer)
    await verify(after.access_token, other.issuer)
    expect((await refresh('natter-cli', before.refresh_token, other.issuer)).status).toBe(200)
    expect((await userinfo(before.access_token, other.issuer)).status).toBe(200)
  })
})

describe('pages of other origins', () => {
  const paths = ['.well-known/openid-configuration', `${endpoints}/certs`, `${endpoints}/userinfo`]

  it.each(paths)('may read %s if they are the app', async (path) => {
    expect(await allowedOrigin(path, app)).toBe(app)
    expect(await allowedOrigin(path, 'http://evil.example')).toBe(null)
  })

  it('may ask for tokens if they are the app', async () => {
    const { tokens } = await signInForTokens('alice')
    const body = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    const form = { ...body, client_id: 'nats-chat-app' }

    const refused = await ask(form, url, { origin: 'http://evil.example' })
    const answered = await ask(form, url, { origin: app })

    expect(refused.status).toBe(400)
    expect(refused.headers.get('access-control-allow-origin')).toBe(null)
    expect(answered.status).toBe(200)
    expect(answered.headers.get('access-control-allow-origin')).toBe(app)
  })

  it('may ask whether they may', async () => {
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

describe('the process', () => {
  it('says in one line where it listens, takes a new key on SIGHUP, ends on SIGTERM', async () => {
    const folder = await temporaryFolder()
    const { child, lines, stderr, errors } = run({ ISSUER_DIR: folder, ISSUER_PORT: '0' })
    const ready = JSON.parse(String((await lines.next()).value))
    expect(ready).toEqual({ ready: true, issuer: expect.stringMatching(/\/realms\/nats-chat$/) })
    const before = await login('bob', 'bob123', ready.issuer)

    child.kill('SIGHUP')
    const [said] = await once(stderr, 'data')
    const after = await login('bob', 'bob123', ready.issuer)
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')

    expect(String(said)).toContain(String(decodeProtectedHeader(after.access_token).kid))
    expect(String(said)).not.toContain(decodeProtectedHeader(before.access_token).kid)
    expect(code).toBe(0)
    expect((await lines.next()).done).toBe(true)
    expect(await errors).not.toMatch(/oidc-provider|warning/i)
  })

  it('ends when whoever started it is gone', async () => {
    const { child, lines } = run({ ISSUER_DIR: await temporaryFolder(), ISSUER_PORT: '0' })
    await lines.next()

    child.disconnect()
    const [code] = await once(child, 'exit')

    expect(code).toBe(0)
  })

  it.each([
    ['ISSUER_DIR', ''],
    ['ISSUER_DIR', '/dev/null/folder'],
    ['ISSUER_PORT', '70000'],
    ['ISSUER_PORT', 'http'],
    ['ISSUER_HOST', ''],
    ['ISSUER_HOST', '203.0.113.1'],
    ['ISSUER_URL', 'http://localhost:8080/realms/nats-chat'],
    ['ISSUER_WEB_ORIGINS', 'http://localhost:3000,localhost'],
    ['ISSUER_WEB_ORIGINS', 'http://localhost:3000/'],
    ['ISSUER_ACCESS_TOKEN_TTL', '0'],
    ['ISSUER_ACCESS_TOKEN_TTL', '5m'],
  ])('names %s when it is "%s"', async (name, value) => {
    const dir = await temporaryFolder()
    const { child, lines, errors } = run({ ISSUER_DIR: dir, ISSUER_PORT: '0', [name]: value })
    const [code] = await once(child, 'exit')

    expect(code).toBe(1)
    expect(await errors).toContain(name)
    expect((await lines.next()).done).toBe(true)
  })

  it('names the port when it is taken', async () => {
    const { port } = new URL(url)
    const { child, errors } = run({ ISSUER_DIR: await temporaryFolder(), ISSUER_PORT: port })

    expect(await once(child, 'exit')).toEqual([1, null])
    expect(await errors).toMatch(new RegExp(`ISSUER_PORT.*${port}`))
  })

  function run(env: Record<string, string>) {
    const main = join(import.meta.dirname, '..', 'stack', 'issuer', 'main.ts')
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const { stdout, stderr } = child
    if (!stdout || !stderr) throw new Error('a child without pipes')
    const lines = createInterface(stdout)[Symbol.asyncIterator]()
    return { child, lines, stderr, errors: text(stderr) }
  }
})

/** An issuer of the test's own. */
async function start(options: IssuerOptions) {
  const started = await startIssuer(options)
  onTestFinished(() => started.stop())
  return started
}

async function temporaryFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'natter-issuer-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

function ask(form: Record<string, string | undefined>, at = url, headers = {}) {
  const given = Object.entries(form).filter((field): field is [string, string] => field[1] != null)
  const body = new URLSearchParams(given)
  return fetch(`${at}/${endpoints}/token`, { method: 'POST', body, headers })
}

async function login(username: string, password = `${username}123`, at = url) {
  const form = { grant_type: 'password', client_id: 'natter-cli', username, password }
  return (await ask(form, at)).json()
}

function refresh(client_id: string, refresh_token: string, at = url) {
  return ask({ grant_type: 'refresh_token', client_id, refresh_token }, at)
}

function redeem(code: string, code_verifier: string | undefined) {
  const redirect_uri = `${app}/callback`
  const client_id = 'nats-chat-app'
  return ask({ grant_type: 'authorization_code', client_id, code, redirect_uri, code_verifier })
}

function userinfo(token: string, at = url) {
  return fetch(`${at}/${endpoints}/userinfo`, { headers: { authorization: `Bearer ${token}` } })
}

/** What a token says, by the keys the issuer publishes now. */
function verify(token: string, at = url) {
  const keys = createRemoteJWKSet(new URL(`${at}/${endpoints}/certs`))
  return jwtVerify<JWTPayload>(token, keys, { issuer: at, algorithms: ['RS256'] })
}

function createRequest(changed: Record<string, string | undefined> = {}) {
  const verifier = randomToken()
  const state = randomToken()
  const nonce = randomToken()
  const query = Object.entries({
    client_id: 'nats-chat-app',
    response_type: 'code',
    redirect_uri: `${app}/callback`,
    scope: 'openid profile email',
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changed,
  }).filter((field): field is [string, string] => field[1] !== undefined)
  return { verifier, state, nonce, url: `${url}/${endpoints}/auth?${new URLSearchParams(query)}` }
}

function randomToken() {
  return randomBytes(32).toString('base64url')
}

async function signIn(username: string) {
  const browser = createBrowser()
  const { verifier, url } = createRequest()
  const page = await browser.open(url)
  const back = await browser.submit(page, { username, password: `${username}123` })
  return { browser, verifier, code: readCallback(back.location).code }
}

async function signInForTokens(username: string) {
  const { browser, code, verifier } = await signIn(username)
  return { browser, tokens: await (await redeem(code, verifier)).json() }
}

/** What comes back to the app. */
function readCallback(location = '') {
  const { origin, searchParams } = new URL(location)
  expect(origin).toBe(app)
  return { code: searchParams.get('code') ?? '', state: searchParams.get('state') }
}

interface Page {
  url: string
  status: number
  headers: Headers
  body: string
  /** Where it leads, away from the issuer. */
  location: string | undefined
}

/** As much of a browser as signing in needs: cookies with their paths, redirects, forms. */
function createBrowser() {
  const cookies = new Map<string, { pair: string; path: string }>()

  async function open(address: string, init: RequestInit = {}): Promise<Page> {
    const { pathname } = new URL(address)
    const fitting = [...cookies.values()].filter(({ path }) => pathname.startsWith(path))
    const cookie = fitting.map(({ pair }) => pair).join('; ')
    const response = await fetch(address, { ...init, headers: { cookie }, redirect: 'manual' })
    for (const header of response.headers.getSetCookie()) keep(header)

    const next = response.headers.get('location')
    const target = next ? new URL(next, address) : undefined
    if (target && target.origin === new URL(url).origin) return open(target.href)
    const { status, headers } = response
    return { url: address, status, headers, body: await response.text(), location: target?.href }
  }

  function keep(header: string) {
    const [pair = '', ...attributes] = header.split('; ')
    const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice(5) ?? '/'
    const key = `${pair.split('=')[0]} ${path}`
    if (header.includes('expires=Thu, 01 Jan 1970')) cookies.delete(key)
    else cookies.set(key, { pair, path })
  }

  return {
    open,
    /** Sends the page's form: its hidden fields and those given. */
    submit(page: Page, fields: Record<string, string> = {}) {
      const [, action = ''] = /<form[^>]* action="([^"]*)"/.exec(page.body) ?? []
      const hidden = page.body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)
      const values = [...hidden].map(
        ([, name = '', value = '']) => [name, value] as [string, string],
      )
      const body = new URLSearchParams([...values, ...Object.entries(fields)])
      return open(new URL(action, page.url).href, { method: 'POST', body })
    },
  }
}
