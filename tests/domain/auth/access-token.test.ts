import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTokenCheck, type TokenCheck } from '#domain/auth/access-token'
import { startIssuer } from '../../../stack/oidc-provider/issuer.ts'
import { createClient, temporaryFolder } from '../../support/oidc-client.ts'
import {
  type Claims,
  type SigningOptions,
  startTokenIssuer,
  subjectOf,
  type TokenIssuer,
} from '../../support/token-issuer.ts'

const options = { clientIds: ['nats-chat-app', 'natter-cli'], userClaim: 'preferred_username' }
const day = 24 * 3_600
const now = () => Math.floor(Date.now() / 1_000)

let issuer: TokenIssuer
let tokens: TokenCheck

beforeEach(async () => {
  issuer = await startTokenIssuer()
  onTestFinished(() => issuer.stop())
  tokens = createTokenCheck({ issuer: issuer.issuer, ...options })
})

async function rejectionOf(token: string, check = tokens) {
  return check.check(token).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  )
}

function stopClock() {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
}

const rejectedWith = (message: string | RegExp) => ({
  code: 'forbidden',
  message: expect.stringMatching(message),
})

describe('TokenCheck.check', () => {
  it('returns the user of a token, their known roles, the session and the time of issue', async () => {
    const iat = now()
    const realm_access = { roles: ['offline_access', 'user', 'admin', 'toString'] }
    const claims = { iat, realm_access, preferred_username: 'a-b_1', sid: 'session-1' }
    const token = await issuer.token(claims)

    const identity = await tokens.check(token)
    expect(identity).toEqual({
      issuer: issuer.issuer,
      subject: subjectOf('a-b_1'),
      userName: 'a-b_1',
      handle: 'a-b_1',
      roles: ['admin', 'user'],
      session: 'session-1',
      issuedAt: iat,
    })
  })

  it("returns no roles when realm_access is not in Keycloak's format", async () => {
    for (const realm_access of [undefined, null, 'admin', ['admin'], { roles: 'admin' }]) {
      const { roles } = await tokens.check(await issuer.token({ realm_access }))
      expect(roles).toEqual([])
    }
  })

  it.each<[Claims, string | undefined]>([
    [{ name: 'Ada Lovelace', given_name: 'Other' }, 'Ada Lovelace'],
    [{ name: ' ', given_name: 'Ada', family_name: 'Lovelace' }, 'Ada Lovelace'],
    [{ family_name: 'Lovelace' }, 'Lovelace'],
    [{ name: 1, given_name: ['Ada'], family_name: null }, undefined],
    [{}, undefined],
  ])('returns for the claims %j the name %s', async (claims, name) => {
    const identity = await tokens.check(await issuer.token(claims))

    expect(identity.name).toBe(name)
  })

  it('takes the user name from the configured claim', async () => {
    const bySub = createTokenCheck({ issuer: issuer.issuer, ...options, userClaim: 'sub' })

    expect(await bySub.check(await issuer.token({ sub: '0b3e-1' }))).toMatchObject({
      userName: '0b3e-1',
      handle: 'alice',
    })
  })

  it.each(['jane.doe', 'li@example.com', 'Upper', 'Łukasz', '*', '>', 'a b', 'x'.repeat(255)])(
    'accepts the user name %s',
    async (preferred_username) => {
      const identity = await tokens.check(await issuer.token({ preferred_username }))

      expect(identity).toMatchObject({ userName: preferred_username, handle: preferred_username })
    },
  )

  it('uses the subject as the user name if the token has no user name', async () => {
    const token = await issuer.token({ preferred_username: undefined, sub: 'a1' })

    expect(await tokens.check(token)).toMatchObject({ userName: 'a1', handle: 'a1' })
  })

  it('accepts a token from an issuer whose clock is three seconds ahead', async () => {
    const early = await issuer.token({ iat: now() + 3, nbf: now() + 3 })

    expect(await tokens.check(early)).toMatchObject({ userName: 'alice' })
  })

  it.each<Claims>([
    { azp: undefined, aud: 'natter-cli' },
    { azp: undefined, aud: ['account', 'nats-chat-app'] },
    { azp: 'other', aud: ['account', 'nats-chat-app'] },
  ])('accepts a token that names its client only in the audience: %j', async (claims) => {
    expect(await tokens.check(await issuer.token(claims))).toMatchObject({ userName: 'alice' })
  })

  it('accepts a token with a lifetime of one day', async () => {
    const token = await issuer.token({ iat: now() - 60, exp: now() - 60 + day })

    expect(await tokens.check(token)).toMatchObject({ userName: 'alice' })
  })

  it('accepts a token that has the type of an access token only in its header', async () => {
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) {
      const token = await issuer.token({ typ: undefined }, { typ })
      expect(await tokens.check(token)).toMatchObject({ userName: 'alice' })
    }
  })

  it('rejects a token whose claims or header have a type other than that of an access token', async () => {
    const idToken = await issuer.token({ typ: 'ID' }, { typ: 'at+jwt' })
    expect(await rejectionOf(idToken)).toEqual(rejectedWith(/its typ is "ID"/))

    for (const typ of ['JWT', 'logout+jwt', 'at+jwt+logout', 'not-at+jwt']) {
      const token = await issuer.token({ typ: undefined }, { typ })
      expect(await rejectionOf(token)).toEqual(rejectedWith(/no access token: its typ is/))
    }
  })

  const claims: [string, () => Claims, string | RegExp][] = [
    ['from another realm', () => ({ iss: `${issuer.issuer}2` }), /"iss".*nats-chat2"$/],
    ['with a trailing slash in its issuer', () => ({ iss: `${issuer.issuer}/` }), /"iss"/],
    ['without an issuer', () => ({ iss: undefined }), /"iss" claim: missing/],
    ['without an expiry', () => ({ exp: undefined }), /"exp" claim: missing/],
    ['with an expiry that is not a number', () => ({ exp: '2099' as never }), /"exp".*"2099"/],
    ['without an issue time', () => ({ iat: undefined }), /"iat" claim: missing/],
    ['issued in the future', () => ({ iat: now() + 60 }), /issued in the future: its iat is \d+$/],
    ['that is not valid yet', () => ({ nbf: now() + 60 }), /"nbf".*: \d+$/],
    [
      'with a lifetime of a day and a second',
      () => ({ exp: now() + day + 1 }),
      /too long: .* 24 h/,
    ],
    [
      'that was issued a day ago and has not yet expired',
      () => ({ iat: now() - day, exp: now() + 60 }),
      /too long: .* 24 h/,
    ],
    [
      'that practically never expires',
      () => ({ exp: 2 ** 53 }),
      /too long: .* its exp \d+ is more than/,
    ],
    ['without a type', () => ({ typ: undefined }), /no access token: its typ is missing/],
    ['that has just expired', () => ({ exp: now() - 1 }), /expired: its exp is \d+$/],
    [
      'that is a refresh token',
      () => ({ typ: 'Refresh' }),
      /no access token: its typ is "Refresh"/,
    ],
    ['without a subject', () => ({ sub: undefined }), /its sub identifies no user: missing/],
    ['with an empty subject', () => ({ sub: '' }), /its sub identifies no user: ""/],
    [
      'with a list as its user name',
      () => ({ preferred_username: ['alice'] }),
      /user name: \["alice"\]/,
    ],
    ['with an empty user name', () => ({ preferred_username: ' ' }), /user name: " "/],
    [
      'with line separators in its user name',
      () => ({ preferred_username: 'a\u2028b\u0085' }),
      /"a\?b\?"/,
    ],
    [
      'for 99 other clients',
      () => ({ azp: 'x', aud: Array(99).fill('other') }),
      /azp is "x", its aud/,
    ],
  ]
  it.each(claims)('rejects a token %s, and names the reason', async (_, claims, reason) => {
    const rejection = await rejectionOf(await issuer.token(claims()))

    expect(rejection).toEqual(rejectedWith(reason))
    expect(rejection?.message.length).toBeLessThan(250)
  })

  it('rejects a token signed with the public key as an HMAC secret', async () => {
    const key = new TextEncoder().encode(JSON.stringify(issuer.publicKey()))

    for (const alg of ['HS256', 'HS384', 'HS512'])
      expect(await rejectionOf(await issuer.token({}, { alg, key }))).toEqual(rejectedWith(/"alg"/))
  })

  it('rejects a token without a signature', async () => {
    const token = new UnsecuredJWT({ preferred_username: 'alice' })
      .setIssuer(issuer.issuer)
      .encode()
    const [head, payload] = (await issuer.token()).split('.')

    for (const unsigned of [token, `${head}.${payload}.`, `${head}.${payload}`, '..', 'x'])
      expect(await rejectionOf(unsigned)).toMatchObject({ code: 'forbidden' })
  })

  it('rejects a token that contains or refers to a key of another issuer', async () => {
    const other = await startTokenIssuer()
    onTestFinished(() => other.stop())
    const jwk = other.publicKey()
    const certs = `${other.issuer}/protocol/openid-connect/certs`
    const iss = issuer.issuer
    const forged: SigningOptions[] = [{}, { jwk }, { jku: certs }, { jwk, kid: 'mine' }]

    for (const header of forged) {
      const token = await other.token({ iss }, header)
      expect(await rejectionOf(token)).toEqual(rejectedWith(/signature|no applicable key/))
    }
    expect(other.fetchCount()).toBe(0)
  })

  it('rejects a token whose algorithm does not fit the key', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await issuer.token({}, { alg: 'ES256', key: privateKey })

    expect(await rejectionOf(token)).toEqual(rejectedWith(/no applicable key/))
  })

  it('rejects a token with an unknown critical header', async () => {
    const head = { alg: 'RS256', kid: 'key-1', crit: ['x\ny'], 'x\ny': true }
    const token = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.e30.AA`

    expect(await rejectionOf(token)).toEqual(rejectedWith(/"x\?y" is not recognized/))
  })

  it('throws an error that contains no part of the rejected token', async () => {
    const token = await issuer.token({ azp: 'other', aud: 'other' })
    const rejection = await rejectionOf(token)

    for (const part of token.split('.')) expect(rejection?.message).not.toContain(part)
  })
})

describe('issuer keys', () => {
  it('are fetched from the URL in the discovery document', async () => {
    issuer.moveKeys()

    expect(await rejectionOf(await issuer.token())).toBeUndefined()
  })

  it.each<[string, () => void]>([
    [
      'through the discovery document of another issuer',
      () => issuer.moveKeys({ issuer: 'https://other.example' }),
    ],
    ['through a redirect', () => issuer.redirectKeys()],
  ])('are not fetched %s', async (_, move) => {
    move()

    expect(await rejectionOf(await issuer.token())).toMatchObject({ code: 'unavailable' })
    expect(issuer.fetchCount()).toBe(0)
  })

  it('are found for an issuer whose URL ends with a slash', async () => {
    const check = createTokenCheck({ issuer: `${issuer.issuer}/`, ...options })

    expect(await rejectionOf(await issuer.token({ iss: `${issuer.issuer}/` }), check)).toBe(
      undefined,
    )
  })

  describe('of an issuer with an internal URL', () => {
    const publicIssuer = 'https://id.invalid/auth/realms/nats-chat'
    const checkInside = () =>
      createTokenCheck({ issuer: publicIssuer, internalUrl: issuer.issuer, ...options })

    it.each([
      ['below the public URL', `${publicIssuer}/keys`, '/realms/nats-chat/keys'],
      ['elsewhere on the public host', 'https://id.invalid/keys?v=1', '/keys?v=1'],
      ['below the internal URL', undefined, '/realms/nats-chat/keys'],
    ])('are fetched from the internal host if `jwks_uri` is %s', async (_, keysUrl, path) => {
      issuer.moveKeys({ issuer: publicIssuer, path, ...(keysUrl ? { keysUrl } : {}) })

      const token = await issuer.token({ iss: publicIssuer })
      expect(await rejectionOf(token, checkInside())).toBeUndefined()
      expect(issuer.fetchCount()).toBe(1)
    })

    it('are fetched from the internal URL if there is no discovery document', async () => {
      const token = await issuer.token({ iss: publicIssuer })

      expect(await rejectionOf(token, checkInside())).toBeUndefined()
    })

    it('are not fetched from a third host, even if `jwks_uri` names it', async () => {
      const other = await startTokenIssuer()
      onTestFinished(() => other.stop())
      const keysUrl = `${other.issuer}/protocol/openid-connect/certs`
      issuer.moveKeys({ issuer: publicIssuer, keysUrl })

      const token = await other.token({ iss: publicIssuer })
      expect(await rejectionOf(token, checkInside())).toMatchObject({ code: 'unavailable' })
      expect(other.requestCount()).toBe(0)
    })

    it('do not verify a token whose issuer is the internal URL', async () => {
      const token = await issuer.token()

      expect(await rejectionOf(token, checkInside())).toEqual(rejectedWith(/"iss"/))
    })

    it('are reported as unavailable, with the public and the internal URL in the error message', async () => {
      const check = checkInside()
      await issuer.stop()

      await expect(check.prefetch()).rejects.toMatchObject({
        message: expect.stringContaining(`${publicIssuer} at ${issuer.issuer}`),
      })
    })
  })

  it('are fetched once for concurrent checks', async () => {
    const token = await issuer.token()
    await Promise.all(Array.from({ length: 50 }, () => tokens.check(token)))

    expect(issuer.fetchCount()).toBe(1)
  })

  it('are fetched again after a rotation, and then only the new key is accepted', async () => {
    const old = await issuer.token()
    expect(await rejectionOf(old)).toBeUndefined()
    await issuer.rotate()

    expect(await rejectionOf(await issuer.token())).toBeUndefined()
    expect(await rejectionOf(old)).toEqual(rejectedWith(/no applicable key/))
  })

  it('are fetched only one more time for many tokens with unknown key ids', async () => {
    await tokens.prefetch()
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, index) => issuer.token({}, { kid: `unknown-${index}` })),
    )

    for (const rejection of await Promise.all(flood.map((token) => rejectionOf(token))))
      expect(rejection).toEqual(rejectedWith(/no applicable key/))
    expect(await rejectionOf(flood[0] ?? '')).toEqual(rejectedWith(/no applicable key/))
    expect(issuer.fetchCount()).toBe(2)
  })

  it('stay cached while the issuer is unavailable, and are fetched again afterwards', async () => {
    const token = await issuer.token()
    await tokens.prefetch()
    await issuer.stop()

    expect(await rejectionOf(token)).toBeUndefined()
    await issuer.rotate()
    const rotated = await issuer.token()
    expect(await rejectionOf(rotated)).toMatchObject({ code: 'unavailable' })
    expect(await rejectionOf(token)).toBeUndefined()

    await issuer.start()
    await expect.poll(() => rejectionOf(rotated), { timeout: 5_000 }).toBeUndefined()
  })

  it('are reported as unavailable until the issuer starts', async () => {
    const token = await issuer.token()
    await issuer.stop()
    await expect(tokens.prefetch()).rejects.toMatchObject({ code: 'unavailable' })
    const missing = { code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') }
    expect(await rejectionOf(token)).toEqual(missing)

    await issuer.start()
    await expect.poll(() => rejectionOf(token), { timeout: 5_000 }).toBeUndefined()
  })

  it('are not fetched again within a second after a failed fetch', async () => {
    const misconfigured = createTokenCheck({ issuer: new URL(issuer.issuer).origin, ...options })
    const token = await issuer.token()
    const unavailable = { code: 'unavailable' }
    stopClock()

    for (let check = 0; check < 3; check++)
      expect(await rejectionOf(token, misconfigured)).toMatchObject(unavailable)
    // The first check made one request for the discovery document, and one for the keys.
    expect(issuer.requestCount()).toBe(2)

    vi.advanceTimersByTime(1_001)
    expect(await rejectionOf(token, misconfigured)).toMatchObject(unavailable)
    expect(issuer.requestCount()).toBe(4)
  })

  it('are trusted for at most ten minutes after the issuer has revoked them', async () => {
    stopClock()
    const token = await issuer.token()
    expect(await rejectionOf(token)).toBeUndefined()
    await issuer.rotate()
    vi.advanceTimersByTime(10 * 60_000)
    expect(await rejectionOf(token)).toBeUndefined()
    expect(issuer.fetchCount()).toBe(1)

    vi.advanceTimersByTime(1)

    await expect.poll(() => rejectionOf(token)).toEqual(rejectedWith(/no applicable key/))
  })

  it('are reported as unavailable within 4.5 seconds if the issuer does not respond', async () => {
    issuer.hang()
    const started = performance.now()

    expect(await rejectionOf(await issuer.token())).toMatchObject({ code: 'unavailable' })
    expect(performance.now() - started).toBeLessThan(4_500)
  })

  it('are reported as unavailable if the issuer responds with 404', async () => {
    const misconfigured = createTokenCheck({ issuer: new URL(issuer.issuer).origin, ...options })

    const rejection = await rejectionOf(await issuer.token(), misconfigured)
    expect(rejection).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('404'),
    })
  })
})

describe('TokenCheck.check of tokens from the embedded provider', () => {
  it('accepts access tokens and rejects ID and refresh tokens', async () => {
    const provider = await startIssuer({ dir: await temporaryFolder() })
    onTestFinished(() => provider.stop())
    const check = createTokenCheck({ issuer: provider.issuer, ...options })
    const client = createClient(provider.issuer)
    const login = { client_id: 'natter-cli', username: 'alice', password: 'alice123' }
    const form = { grant_type: 'password', scope: 'openid', ...login }
    const issued = await (await client.ask(form)).json()

    expect(await check.check(issued.access_token)).toEqual({
      issuer: expect.any(String),
      subject: expect.any(String),
      userName: 'alice',
      handle: 'alice',
      roles: ['admin', 'user'],
      name: 'Alice Adams',
      session: expect.any(String),
      issuedAt: expect.any(Number),
    })
    expect(await rejectionOf(issued.id_token, check)).toEqual(rejectedWith(/its typ is "ID"/))
    expect(await rejectionOf(issued.refresh_token, check)).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(await issuer.token(), check)).toMatchObject({ code: 'forbidden' })
  })

  it('rejects a token that has the right issuer and key id, but was signed with another key', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    const kid = issuer.publicKey().kid ?? ''
    const token = await new SignJWT({ azp: 'natter-cli', typ: 'Bearer' })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer.issuer)
      .sign(privateKey)

    expect(await rejectionOf(token)).toEqual(rejectedWith(/signature/))
  })
})
