import { AuthorizationError } from '@nats-io/nats-core'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Issuer, startIssuer } from '../../stack/oidc-provider/issuer.ts'
import { freePort } from '../../stack/ports.ts'
import { createCommandLine } from '../support/command-line.ts'
import { createLoginFixture, type LoginFixture, requestAsAlice } from '../support/login-fixture.ts'
import { fetchTokens, type Tokens } from '../support/tokens.ts'

const fastMs = 1_000

let all: AsyncDisposableStack
let fixture: LoginFixture
let issuer: Issuer
let stopIssuer: () => Promise<void>
let startIssuerAgain: () => Promise<void>

beforeAll(async () => {
  await using stack = new AsyncDisposableStack()
  const dir = await stack.use(await createCommandLine()).write({})
  const port = await freePort()
  startIssuerAgain = async () => {
    issuer = await startIssuer({ dir, port })
  }
  await startIssuerAgain()
  stopIssuer = () => issuer.stop()
  stack.defer(() => issuer.stop())
  fixture = stack.use(await createLoginFixture(issuer.issuer))
  all = stack.move()
})
afterAll(() => all?.disposeAsync())

function fetchAlicesTokens(): Promise<Tokens> {
  return fetchTokens(issuer.issuer, 'natter-cli', { username: 'alice', password: 'alice123' })
}

async function logIn(token: string) {
  const started = performance.now()
  const nc = await fixture.connect(token)
  onTestFinished(() => nc.close())
  const answer = await requestAsAlice(nc, 'as.alice.whoami')
  expect(answer.json()).toEqual({ caller: 'alice' })
  return performance.now() - started
}

describe('login with tokens of the embedded OpenID provider', () => {
  it('accepts tokens signed with a new key immediately, and tokens signed with the previous key until they expire', async () => {
    const { access_token: old } = await fetchAlicesTokens()
    await logIn(old)
    const kid = await issuer.rotateKeys()
    const { access_token: fresh } = await fetchAlicesTokens()

    expect(decodeProtectedHeader(fresh).kid).toBe(kid)
    expect(decodeProtectedHeader(old).kid).not.toBe(kid)
    expect(await logIn(fresh)).toBeLessThan(fastMs)
    expect(await logIn(old)).toBeLessThan(fastMs)
  })

  it('rejects ID tokens and refresh tokens', async () => {
    const { id_token, refresh_token } = await fetchAlicesTokens()

    for (const [token, reason] of [
      [id_token, /its typ is "ID"$/],
      [refresh_token, /token rejected/],
    ] as const) {
      const { message, durationMs, ...logs } = await fixture.attemptLogin(token)
      const logged = expect.stringMatching(reason)
      expect(message).toContain('Authorization Violation')
      expect(durationMs).toBeLessThan(fastMs)
      expect(logs).toEqual({ serverLog: logged, runtimeLog: logged, leaksToken: false })
    }
  })

  it('accepts tokens signed with cached keys while the provider is stopped', async () => {
    const { access_token } = await fetchAlicesTokens()
    await logIn(access_token)
    await stopIssuer()
    onTestFinished(startIssuerAgain)

    expect(await logIn(access_token)).toBeLessThan(fastMs)
  })

  it('closes the connection of each login at once while no keys are cached and the provider is stopped', async () => {
    const { access_token } = await fetchAlicesTokens()
    await stopIssuer()
    await fixture.runtime.restart()

    const reason = /cannot fetch the keys of \S+: .*ECONNREFUSED.*login not answered/
    for (let attempt = 1; attempt <= 2; attempt++) {
      const from = fixture.runtime.log.end()
      const started = performance.now()
      const error = await fixture.connect(access_token).catch((error: Error) => error)
      expect(performance.now() - started).toBeLessThan(fastMs)
      expect(error).toBeInstanceOf(Error)
      expect(error).not.toBeInstanceOf(AuthorizationError)
      await fixture.runtime.log.line(reason, { from })
    }

    await startIssuerAgain()
    const returned = () => logIn(access_token).then(() => 'let in', String)
    await expect.poll(returned, { timeout: 5_000, interval: 200 }).toBe('let in')
  })
})
