import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createTokenCheck, type TokenCheck } from '#domain/auth/access-token'
import { startIssuer } from '../../../stack/oidc-provider/issuer.ts'
import { createClient, temporaryFolder } from '../../support/oidc-client.ts'
import {
  type Claims,
  type Signing,
  startTokenIssuer,
  type TokenIssuer,
} from '../../support/token-issuer.ts'

const usual = { clientIds: ['nats-chat-app', 'natter-cli'], userClaim: 'preferred_username' }
const day = 24 * 3_600
const now = () => Math.floor(Date.now() / 1_000)

let maker: TokenIssuer
let tokens: TokenCheck

beforeEach(async () => {
  maker = await startTokenIssuer()
  onTestFinished(() => maker.stop())
  tokens = createTokenCheck({ issuer: maker.issuer, ...usual })
})

/** What is wrong with a token, or nothing. */
async function refusal(token: string, check = tokens) {
  return check.check(token).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  )
}

const refused = (message: string | RegExp) => ({
  code: 'forbidden',
  message: expect.stringMatching(message),
})

describe('a token', () => {
  it('says who it is, which known roles they have, and until when', async () => {
    const exp = now() + 60
    const realm_access = { roles: ['offline_access', 'user', 'admin', 'toString'] }
    const token = await maker.token({ exp: exp + 0.9, realm_access, preferred_username: 'a-b_1' })

    const identity = await tokens.check(token)
    expect(identity).toEqual({ user: 'a-b_1', roles: ['admin', 'user'], expiresAt: exp })
  })

  it('gives no role unless it names them as Keycloak does', async () => {
    for (const realm_access of [undefined, null, 'admin', ['admin'], { roles: 'admin' }]) {
      const { roles } = await tokens.check(await maker.token({ realm_access }))
      expect(roles).toEqual([])
    }
  })

  it.each<[Claims, string | undefined]>([
    [{ name: 'Ada Lovelace', given_name: 'Other' }, 'Ada Lovelace'],
    [{ name: ' ', given_name: 'Ada', family_name: 'Lovelace' }, 'Ada Lovelace'],
    [{ family_name: 'Lovelace' }, 'Lovelace'],
    [{ name: 1, given_name: ['Ada'], family_name: null }, undefined],
    [{}, undefined],
  ])('with %j says what they are called: %s', async (claims, name) => {
    const identity = await tokens.check(await maker.token(claims))

    expect(identity.name).toBe(name)
  })

  it('names the user by the claim that is chosen', async () => {
    const bySub = createTokenCheck({ issuer: maker.issuer, ...usual, userClaim: 'sub' })

    expect(await bySub.check(await maker.token({ sub: '0b3e-1' }))).toMatchObject({
      user: '0b3e-1',
    })
    expect(await refusal(await maker.token(), bySub)).toEqual(refused(/sub .* user id: missing/))
  })

  it('may come from a clock that is a few seconds ahead', async () => {
    const early = await maker.token({ iat: now() + 3, nbf: now() + 3 })

    expect(await tokens.check(early)).toMatchObject({ user: 'alice' })
  })

  it('may last for a day', async () => {
    const token = await maker.token({ iat: now() - 60, exp: now() - 60 + day })

    expect(await tokens.check(token)).toMatchObject({ expiresAt: expect.any(Number) })
  })

  it('may be of an issuer that says in the header what it is', async () => {
    const token = await maker.token({ typ: undefined }, { typ: 'at+jwt' })

    expect(await tokens.check(token)).toMatchObject({ user: 'alice' })
  })

  const claims: [string, () => Claims, string | RegExp][] = [
    ['of another realm', () => ({ iss: `${maker.issuer}2` }), /"iss".*nats-chat2"$/],
    ['of the realm with a slash', () => ({ iss: `${maker.issuer}/` }), /"iss"/],
    ['of no issuer', () => ({ iss: undefined }), /"iss" claim: missing/],
    ['without an end', () => ({ exp: undefined }), /"exp" claim: missing/],
    ['with an end that is no number', () => ({ exp: '2099' as never }), /"exp".*"2099"/],
    ['without a beginning', () => ({ iat: undefined }), /"iat" claim: missing/],
    ['of the future', () => ({ iat: now() + 60 }), /of the future: its iat is \d+$/],
    ['that is not valid yet', () => ({ nbf: now() + 60 }), /"nbf".*: \d+$/],
    ['that lasts a second too long', () => ({ exp: now() + day + 1 }), /too long: .* 24 h/],
    ['that lasted too long', () => ({ iat: now() - day, exp: now() + 60 }), /too long: .* 24 h/],
    ['that lasts for ever', () => ({ exp: 2 ** 53 }), /too long: .* its exp \d+ is more than/],
    ['without a kind', () => ({ typ: undefined }), /no access token: its typ is missing/],
    ['that has just expired', () => ({ exp: now() - 1 }), /expired: its exp is \d+$/],
    ['for refreshing', () => ({ typ: 'Refresh' }), /no access token: its typ is "Refresh"/],
    ['of nobody', () => ({ preferred_username: undefined }), /user id: missing/],
    ['of a list of users', () => ({ preferred_username: ['alice'] }), /user id: \["alice"\]/],
    ['that writes lines', () => ({ preferred_username: 'a\u2028b\u0085' }), /"a\?b\?"/],
    ['for many others', () => ({ azp: 'x', aud: Array(99).fill('other') }), /azp is "x", its aud/],
  ]
  it.each(claims)('%s is refused, and the reason says what is wrong', async (_, claims, reason) => {
    const found = await refusal(await maker.token(claims()))

    expect(found).toEqual(refused(reason))
    expect(found?.message.length).toBeLessThan(250)
  })

  it('is refused when it is signed by whoever knows the public key', async () => {
    const key = new TextEncoder().encode(JSON.stringify(maker.publicKey()))

    for (const alg of ['HS256', 'HS384', 'HS512'])
      expect(await refusal(await maker.token({}, { alg, key }))).toEqual(refused(/"alg"/))
  })

  it('is refused without a signature', async () => {
    const token = new UnsecuredJWT({ preferred_username: 'alice' }).setIssuer(maker.issuer).encode()
    const [head, payload] = (await maker.token()).split('.')

    for (const unsigned of [token, `${head}.${payload}.`, `${head}.${payload}`, '..', 'x'])
      expect(await refusal(unsigned)).toMatchObject({ code: 'forbidden' })
  })

  it('is refused when it brings its key along', async () => {
    const other = await startTokenIssuer()
    onTestFinished(() => other.stop())
    const jwk = other.publicKey()
    const certs = `${other.issuer}/protocol/openid-connect/certs`
    const iss = maker.issuer
    const forged: Signing[] = [{}, { jwk }, { jku: certs }, { jwk, kid: 'mine' }]

    for (const header of forged) {
      const token = await other.token({ iss }, header)
      expect(await refusal(token)).toEqual(refused(/signature|no applicable key/))
    }
    expect(other.fetched()).toBe(0)
  })

  it('is refused when its kind of signature is not that of the key', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await maker.token({}, { alg: 'ES256', key: privateKey })

    expect(await refusal(token)).toEqual(refused(/no applicable key/))
  })

  it('is refused when it asks for what nobody here understands', async () => {
    const head = { alg: 'RS256', kid: 'key-1', crit: ['x\ny'], 'x\ny': true }
    const token = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.e30.AA`

    expect(await refusal(token)).toEqual(refused(/"x\?y" is not recognized/))
  })

  it('does not stand in its own refusal', async () => {
    const token = await maker.token({ azp: 'other', aud: 'other' })
    const found = await refusal(token)

    for (const part of token.split('.')) expect(found?.message).not.toContain(part)
  })
})

describe('the keys of an issuer', () => {
  it('are where discovery says, wherever that is', async () => {
    maker.moveKeys()

    expect(await refusal(await maker.token())).toBeUndefined()
  })

  it('are fetched once for everybody who comes at once', async () => {
    const token = await maker.token()
    await Promise.all(Array.from({ length: 50 }, () => tokens.check(token)))

    expect(maker.fetched()).toBe(1)
  })

  it('may change: the new one is known at once, the old one no more', async () => {
    const old = await maker.token()
    expect(await refusal(old)).toBeUndefined()
    await maker.rotate()

    expect(await refusal(await maker.token())).toBeUndefined()
    expect(await refusal(old)).toEqual(refused(/no applicable key/))
  })

  it('are fetched no more than once for a flood of tokens that name unknown ones', async () => {
    await tokens.prefetch()
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, index) => maker.token({}, { kid: `unknown-${index}` })),
    )

    for (const found of await Promise.all(flood.map((token) => refusal(token))))
      expect(found).toEqual(refused(/no applicable key/))
    expect(await refusal(flood[0] ?? '')).toEqual(refused(/no applicable key/))
    expect(maker.fetched()).toBe(2)
  })

  it('are kept when the issuer is away, and known anew when it is back', async () => {
    const token = await maker.token()
    await tokens.prefetch()
    await maker.stop()

    expect(await refusal(token)).toBeUndefined()
    await maker.rotate()
    const rotated = await maker.token()
    expect(await refusal(rotated)).toMatchObject({ code: 'unavailable' })
    expect(await refusal(token)).toBeUndefined()

    await maker.start()
    await expect.poll(() => refusal(rotated), { timeout: 5_000 }).toBeUndefined()
  })

  it('are missing until the issuer is there, and then nobody waits for a restart', async () => {
    const token = await maker.token()
    await maker.stop()
    await expect(tokens.prefetch()).rejects.toMatchObject({ code: 'unavailable' })
    const missing = { code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') }
    expect(await refusal(token)).toEqual(missing)

    await maker.start()
    await expect.poll(() => refusal(token), { timeout: 5_000 }).toBeUndefined()
  })

  it('are waited for no longer than a login may take', async () => {
    maker.hang()
    const started = performance.now()

    expect(await refusal(await maker.token())).toMatchObject({ code: 'unavailable' })
    expect(performance.now() - started).toBeLessThan(4_500)
  })

  it('are away when the issuer answers something else', async () => {
    const page = createTokenCheck({ issuer: new URL(maker.issuer).origin, ...usual })

    const found = await refusal(await maker.token(), page)
    expect(found).toMatchObject({ code: 'unavailable', message: expect.stringContaining('404') })
  })
})

describe('tokens of the embedded issuer', () => {
  it('are taken if they are access tokens, and nothing else is', async () => {
    const issuer = await startIssuer({ dir: await temporaryFolder() })
    onTestFinished(() => issuer.stop())
    const check = createTokenCheck({ issuer: issuer.issuer, ...usual })
    const client = createClient(issuer.issuer)
    const login = { client_id: 'natter-cli', username: 'alice', password: 'alice123' }
    const form = { grant_type: 'password', scope: 'openid', ...login }
    const issued = await (await client.ask(form)).json()

    expect(await check.check(issued.access_token)).toEqual({
      user: 'alice',
      roles: ['admin', 'user'],
      name: 'Alice Adams',
      expiresAt: expect.any(Number),
    })
    expect(await refusal(issued.id_token, check)).toEqual(refused(/its typ is "ID"/))
    expect(await refusal(issued.refresh_token, check)).toMatchObject({ code: 'forbidden' })
    expect(await refusal(await maker.token(), check)).toMatchObject({ code: 'forbidden' })
  })

  it('are not those of another issuer with the same name', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    const kid = maker.publicKey().kid ?? ''
    const token = await new SignJWT({ azp: 'natter-cli', typ: 'Bearer' })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(maker.issuer)
      .sign(privateKey)

    expect(await refusal(token)).toEqual(refused(/signature/))
  })
})
