import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createLoginFixture, type LoginFixture } from '../support/login-fixture.ts'
import { subjectOf } from '../support/token-issuer.ts'

interface AdminEvent {
  time: number
  operationType: string
  resourceType: string
  resourcePath: string
}

/** Maximum wait for the effect of a poll: five times the interval at which `keycloak.poll` runs. */
const maxMs = 50_000
const secret = 'the-secret-of-the-client'

let admin: Awaited<ReturnType<typeof startAdminApi>>
let fixture: LoginFixture

beforeAll(async () => {
  admin = await startAdminApi()
  fixture = await createLoginFixture(undefined, {
    OIDC_INTERNAL_URL: admin.realmUrl,
    KEYCLOAK_EVENTS_SECRET: secret,
  })
  admin.keys = () => ({ keys: [fixture.tokenIssuer.publicKey()] })
})
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]()
  await admin?.close()
})

/**
 * Serves the endpoints of Keycloak that `keycloak.poll` reads. tests/stack/keycloak.test.ts uses a
 * real Keycloak.
 */
async function startAdminApi() {
  const api = {
    realmUrl: '',
    events: [] as AdminEvent[],
    disabled: new Set<string>(),
    secret,
    refusals: 0,
    queries: [] as URLSearchParams[],
    keys: (): object => ({ keys: [] }),
    close: () => new Promise((resolve) => server.close(resolve)),
  }
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://keycloak')
    const answer = (body: object, status = 200) =>
      response.writeHead(status, { connection: 'close' }).end(JSON.stringify(body))
    if (pathname.endsWith('/certs')) return answer(api.keys())
    if (pathname.endsWith('/token')) {
      const form = new URLSearchParams(await text(request))
      const isKnown =
        form.get('client_id') === 'natter-events' && form.get('client_secret') === api.secret
      if (!isKnown) api.refusals++
      return isKnown ? answer({ access_token: 'access', expires_in: 60 }) : answer({}, 401)
    }
    if (request.headers.authorization !== 'Bearer access') return answer({}, 404)
    const [, user] = /^\/admin\/realms\/nats-chat\/users\/(.+)$/.exec(pathname) ?? []
    if (user !== undefined) return answer({ enabled: !api.disabled.has(user) })
    if (pathname !== '/admin/realms/nats-chat/admin-events') return answer({}, 404)
    api.queries.push(searchParams)
    const [first, max] = [Number(searchParams.get('first')), Number(searchParams.get('max'))]
    const since = Number(searchParams.get('dateFrom'))
    answer(api.events.filter(({ time }) => time >= since).slice(first, first + max))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  api.realmUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/nats-chat`
  return api
}

function report(operationType: string, name: string, resourceType = 'USER', path = '') {
  const resourcePath = `users/${subjectOf(name)}${path}`
  admin.events.push({ time: Date.now(), operationType, resourceType, resourcePath })
}

async function open(name: string): Promise<NatsConnection> {
  const iat = Math.floor(Date.now() / 1_000) - 60
  const nc = await fixture.connect(
    await fixture.tokenIssuer.token({ preferred_username: name, iat }),
  )
  onTestFinished(() => nc.close())
  return nc
}

const closes = (nc: NatsConnection) =>
  Promise.race([
    nc.closed().then(() => 'closed'),
    new Promise((resolve) => setTimeout(resolve, maxMs, 'open')),
  ])

const newName = () => `user-${crypto.randomUUID()}`

describe('keycloak.poll', { timeout: 120_000 }, () => {
  it('closes the connections of a disabled user, but not those of a user whose profile was changed', async () => {
    const [disabled, changed] = [newName(), newName()]
    const [closed, kept] = [await open(disabled), await open(changed)]
    admin.disabled.add(subjectOf(disabled))

    report('UPDATE', changed)
    report('UPDATE', disabled)

    expect(await closes(closed)).toBe('closed')
    expect(kept.isClosed()).toBe(false)
    await expect(open(disabled)).rejects.toThrow('Authorization Violation')
  })

  it.each([
    ['a deleted user', 'USER', ''],
    ['a user who lost a role', 'REALM_ROLE_MAPPING', '/role-mappings/realm'],
    ['a user who left a group', 'GROUP_MEMBERSHIP', '/groups/1'],
  ])('closes the connections of %s', async (_, resourceType, path) => {
    const name = newName()
    const nc = await open(name)

    report('DELETE', name, resourceType, path)

    expect(await closes(nc)).toBe('closed')
  })

  it('reads all pages of the events, and applies each event once', async () => {
    const name = newName()
    const nc = await open(name)
    for (let count = 0; count < 150; count++) report('UPDATE', newName())
    report('DELETE', name)

    expect(await closes(nc)).toBe('closed')

    expect(admin.queries.map((query) => query.get('first'))).toContain('100')
    const iat = Math.floor(Date.now() / 1_000) + 1
    const next = await fixture.connect(
      await fixture.tokenIssuer.token({ preferred_username: name, iat }),
    )
    onTestFinished(() => next.close())
    const count = admin.queries.length
    // The next polls read the newest events once more, but must not apply them once more: that
    // would close the new connection.
    await expect
      .poll(() => admin.queries.length, { timeout: maxMs })
      .toBeGreaterThanOrEqual(count + 2)
    expect(next.isClosed()).toBe(false)
  })

  it('logs one error while Keycloak rejects the client secret, and reads the missed events once Keycloak accepts the secret', async () => {
    const name = newName()
    const nc = await open(name)
    const start = fixture.runtime.log.end()
    admin.secret = 'another one'
    report('DELETE', name)

    const options = { from: start, within: maxMs }
    const { log } = fixture.runtime
    const line = await log.line(/"keycloak.poll".*dependency unavailable, retrying/, options)
    expect(line).toContain('refuses the client natter-events: status 401')
    expect(line).not.toContain(secret)
    expect(line).not.toContain('"stack"')
    const { refusals } = admin
    await expect.poll(() => admin.refusals, { timeout: maxMs }).toBeGreaterThan(refusals + 2)
    expect(nc.isClosed()).toBe(false)

    admin.secret = secret
    expect(await closes(nc)).toBe('closed')
    await log.line(/"keycloak.poll".*dependency available again/, options)
    const lines = log.read(start).split('\n')
    expect(lines.filter((it) => /"level":[45]0.*"keycloak.poll"/.test(it))).toHaveLength(1)
  })

  it('prevents the start of the runtime if KEYCLOAK_EVENTS_SECRET is set, but the issuer is no realm of Keycloak', async () => {
    const settings = { OIDC_INTERNAL_URL: 'http://127.0.0.1:1/issuer', KEYCLOAK_EVENTS_SECRET: 'x' }

    await expect(createLoginFixture(undefined, settings)).rejects.toThrow(
      'KEYCLOAK_EVENTS_SECRET needs a realm of Keycloak',
    )
  })
})
