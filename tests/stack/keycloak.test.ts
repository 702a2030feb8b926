import { once } from 'node:events'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createRoom,
  expectNoProblems,
  goTo,
  message,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import {
  createKeycloakFixture,
  defaultRealm,
  type KeycloakFixture,
  signIn,
} from '../support/keycloak-fixture.ts'
import { fetchTokens, type Tokens } from '../support/tokens.ts'

/** The lifetime of an access token is short, so that a page renews its token within a test. */
const tokenSeconds = 15

let ground: KeycloakFixture
let alice: Visitor
let bob: Visitor
let room: string

beforeAll(async () => {
  ground = await createKeycloakFixture()
  await ground.ask('PUT', '', { accessTokenLifespan: tokenSeconds })
  alice = await enter('alice')
  bob = await enter('bob')
  room = await createRoom(alice.page, 'public')
  await join(bob)
}, 400_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

async function enter(person: 'alice' | 'bob' | 'charlie'): Promise<Visitor> {
  const visitor = await ground.arrive()
  await signIn(visitor, person)
  await visitor.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  return visitor
}

async function join({ page }: Visitor) {
  await goTo(page, ground.urls.web, room)
  await page.getByRole('button', { name: 'Join room' }).click()
}

function readUrl(url: string, ca?: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  get(url, ca ? { ca } : {}, (response) => resolve(text(response))).on('error', reject)
  return promise
}

function follow({ page }: Visitor) {
  const paths: string[] = []
  page.on('framenavigated', (frame) => paths.push(new URL(frame.url()).pathname))
  return paths
}

/**
 * Connects without a page. A page would notice a logout by itself when it renews its token, even if
 * the runtime did not disconnect it.
 */
async function connectProgram(username: string) {
  const login = { username, password: `${username}123` }
  const { access_token: token } = await fetchTokens(ground.keycloak.url, 'natter-cli', login)
  const nc = await connect({ servers: ground.urls.nats, token, reconnect: false })
  onTestFinished(() => nc.close())
  return { nc, token }
}

async function findSubject(username: string): Promise<string> {
  const query = `/users?username=${username}&exact=true`
  const [{ id }] = (await ground.ask('GET', query)) as [{ id: string }]
  return id
}

/**
 * Five times the interval at which the runtime reads the admin events of Keycloak, which tell it
 * which users to disconnect.
 */
const maxCloseMs = 50_000

async function closed(nc: NatsConnection): Promise<void> {
  const timeout = AbortSignal.timeout(maxCloseMs)
  await Promise.race([
    nc.closed(),
    once(timeout, 'abort').then(() => {
      throw new Error(`The connection is open after ${maxCloseMs} ms`)
    }),
  ])
}

/** Connects with the token. Returns 'let in' if this succeeds, and the error otherwise. */
async function tryToken(token: string): Promise<string> {
  try {
    const nc = await connect({ servers: ground.urls.nats, token, reconnect: false })
    await nc.close()
    return 'let in'
  } catch (error) {
    return String(error)
  }
}

describe('Natter with a real Keycloak', { timeout: 120_000 }, () => {
  it('logs users in on the page of Keycloak, and they exchange messages', async () => {
    await typeMessage(alice.page, 'Good morning, bob')
    await message(bob.page, 'Good morning, bob').getByText('Alice Adams').waitFor()
    await typeMessage(bob.page, 'Good morning to you')

    await message(alice.page, 'Good morning to you').getByText('Bob Brown').waitFor()
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('restores the page and the session after a reload, without a login form', async () => {
    const { page } = alice
    await page.evaluate((path) => history.replaceState(null, '', path), `/r/${room}`)

    await page.reload()

    await message(page, 'Good morning, bob').waitFor()
    expect(new URL(page.url()).pathname).toBe(`/r/${room}`)
    await expectNoProblems(alice)
  })

  it('keeps the user logged in after the browser goes back to the page of Keycloak', async () => {
    const visitor = await enter('charlie')
    const { page } = visitor
    const answers: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('/callback?')) answers.push(request.url())
    })

    await page.goBack()

    await expect.poll(() => answers.length).toBeGreaterThan(0)
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    await expectNoProblems(visitor)
    await page.context().close()
  })

  it('renews the token while the user is typing, without opening another connection, and loses no text or message', async () => {
    const { page } = alice
    let renewals = 0
    page.on('requestfinished', (request) => {
      if (request.url().endsWith('/protocol/openid-connect/token')) renewals++
    })
    let sockets = 0
    page.on('websocket', () => sockets++)
    const went = follow(alice)
    const [written, said]: [string[], string[]] = [[], []]

    await page.locator('#composer').focus()
    do {
      written.push(String(written.length % 10))
      await page.keyboard.type(written.at(-1) ?? '', { delay: 150 })
      if (written.length % 10 > 0) continue
      said.push(`word ${said.length}.`)
      await typeMessage(bob.page, said.at(-1) ?? '')
    } while (renewals < 2)
    expect(await page.locator('#composer').inputValue()).toBe(written.join(''))
    await page.locator('#composer').press('Enter')

    await message(bob.page, written.join('')).waitFor()
    for (const text of said) await message(page, text).waitFor()
    const texts = await page.getByRole('log').locator('.message-text').allTextContents()
    expect(texts.filter((text) => text.startsWith('word '))).toEqual(said)
    expect(went).toEqual([])
    expect(sockets).toBe(0)
    await expectNoProblems(alice)
  })

  it('lets a user who has no role read messages, but not send them', async () => {
    const charlie = await enter('charlie')
    await join(charlie)

    await message(charlie.page, 'Good morning, bob').waitFor()
    await charlie.page.getByText('You don’t have permission to post in this room.').waitFor()
    expect(await charlie.page.locator('#composer').count()).toBe(0)
    await expectNoProblems(charlie)
    await charlie.page.context().close()
  })

  describe('a token', () => {
    let tokens: Tokens
    const cli = { username: 'alice', password: 'alice123' }

    beforeAll(async () => {
      tokens = await fetchTokens(ground.keycloak.url, 'natter-cli', cli)
    })

    it('of the command line client natter-cli is accepted', async () => {
      expect(await tryToken(tokens.access_token)).toBe('let in')
    })

    it.each<[what: string, get: () => Promise<string>, reason: string]>([
      ['that is an ID token', async () => tokens.id_token, 'no access token: its typ is \\"ID\\"'],
      ['that is a refresh token', async () => tokens.refresh_token, '\\"alg\\"'],
      [
        'of another realm',
        async () => {
          const { admin, origin } = ground.keycloak
          return (await fetchTokens(`${origin}/realms/master`, 'admin-cli', admin)).access_token
        },
        'no applicable key found',
      ],
      [
        'for another client',
        async () => (await fetchTokens(ground.keycloak.url, 'admin-cli', cli)).access_token,
        'for another client: its azp is \\"admin-cli\\"',
      ],
    ])('%s is rejected', async (_, get, reason) => {
      const before = await ground.readRuntimeLogs()

      expect(await tryToken(await get())).toMatch(/Authorization Violation/)
      const logged = async () =>
        (await ground.readRuntimeLogs())
          .map((log, index) => log.slice(before[index]?.length))
          .join('\n')
      await expect.poll(logged).toContain(reason)
    })
  })

  it('has neither an enabled demo user nor a password grant by default', async () => {
    const users = (await ground.ask('GET', '/users', undefined, defaultRealm)) as {
      username: string
      enabled: boolean
    }[]
    const clients = (await ground.ask('GET', '/clients', undefined, defaultRealm)) as {
      clientId: string
      enabled: boolean
    }[]

    expect(users.map(({ username, enabled }) => [username, enabled])).toEqual([
      ['alice', false],
      ['bob', false],
      ['charlie', false],
    ])
    expect(clients.find(({ clientId }) => clientId === 'natter-cli')?.enabled).toBe(false)
    const alice = { username: 'alice', password: 'alice123' }
    for (const client of ['natter-cli', 'nats-chat-app', 'admin-cli'])
      await expect(
        fetchTokens(`${ground.keycloak.origin}/realms/${defaultRealm}`, client, alice),
      ).rejects.toThrow('issued no token')
  })

  it('serves the keys of Keycloak over TLS, to clients that trust the certificate authority', async () => {
    const { url, authority } = ground.secured
    const keys = `${url}/protocol/openid-connect/certs`

    expect(JSON.parse(await readUrl(keys, authority)).keys.length).toBeGreaterThan(0)
    await expect(readUrl(keys)).rejects.toThrow(/certificate/)
  })

  it('closes all connections of a user who is logged out everywhere, and rejects their tokens', async () => {
    const elsewhere = await enter('alice')
    const { nc, token } = await connectProgram('alice')

    await ground.ask('POST', `/users/${await findSubject('alice')}/logout`)

    await closed(nc)
    for (const { page } of [alice, elsewhere])
      await page.getByText('Your session has ended.').waitFor()
    expect(await tryToken(token)).toMatch(/Authorization Violation/)
    await elsewhere.page.context().close()
    // The page has logged that the renewal of its token was rejected, which is expected here.
    alice.problems.length = 0
    await signIn(alice, 'alice')
    await alice.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  })

  it('ends only the session that logs out', async () => {
    const elsewhere = await enter('alice')
    const { nc } = await connectProgram('alice')

    await elsewhere.page.locator('.me').click()
    await elsewhere.page.getByRole('menuitem', { name: 'Log out' }).click()
    await elsewhere.page.getByRole('button', { name: 'Log in' }).waitFor()

    await goTo(alice.page, ground.urls.web, room)
    const text = `still here ${crypto.randomUUID()}`
    await typeMessage(alice.page, text)
    await message(bob.page, text).waitFor()
    await nc.flush()
    await elsewhere.page.context().close()
  })

  it('ends the session at Keycloak on logout, so that the next user must log in', async () => {
    const { page } = alice
    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    expect(new URL(page.url()).origin).toBe(ground.urls.web)

    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).click()

    await page.getByLabel('Username or email').waitFor()
    await expectNoProblems(alice)
  })

  it('disconnects a user who has lost a role, and rejects the tokens that still contain the role', async () => {
    const subject = await findSubject('charlie')
    const role = await ground.ask('GET', '/roles/user')
    await ground.ask('POST', `/users/${subject}/role-mappings/realm`, [role])
    const { nc, token } = await connectProgram('charlie')

    await ground.ask('DELETE', `/users/${subject}/role-mappings/realm`, [role])

    await closed(nc)
    expect(await tryToken(token)).toMatch(/Authorization Violation/)
    const later = async () => tryToken((await connectProgram('charlie')).token)
    await expect.poll(later).toBe('let in')
  })

  it('disconnects a user who was deleted in Keycloak, and rejects their token', async () => {
    const username = `dora-${crypto.randomUUID()}`
    const credentials = [{ type: 'password', value: `${username}123`, temporary: false }]
    const names = { firstName: 'Dora', lastName: 'Day', email: `${username}@example.com` }
    await ground.ask('POST', '/users', { username, enabled: true, credentials, ...names })
    const { nc, token } = await connectProgram(username)

    await ground.ask('DELETE', `/users/${await findSubject(username)}`)

    await closed(nc)
    expect(await tryToken(token)).toMatch(/Authorization Violation/)
  })

  it('does not disconnect a user whose profile an administrator changes', async () => {
    const subject = await findSubject('bob')
    const { nc } = await connectProgram('bob')
    const before = await ground.readRuntimeLogs()
    const user = (await ground.ask('GET', `/users/${subject}`)) as object
    await ground.ask('PUT', `/users/${subject}`, { ...user, lastName: 'Black' })
    // The runtime reads admin events in order. Once it has read the change of charlie's roles, it
    // has also read the earlier change of bob's profile.
    await ground.ask('POST', `/users/${await findSubject('charlie')}/role-mappings/realm`, [
      await ground.ask('GET', '/roles/user'),
    ])
    await ground.ask('DELETE', `/users/${await findSubject('charlie')}/role-mappings/realm`, [
      await ground.ask('GET', '/roles/user'),
    ])

    const logged = async () =>
      (await ground.readRuntimeLogs())
        .map((log, index) => log.slice(before[index]?.length))
        .join('\n')
    await expect.poll(logged, { timeout: 50_000 }).toContain('user changed in Keycloak')
    expect(await logged()).not.toContain(subject)
    expect(nc.isClosed()).toBe(false)
  })

  it('disconnects a user who was disabled in Keycloak, and Keycloak rejects the next login', async () => {
    const { nc } = await connectProgram('bob')
    await ground.ask('PUT', `/users/${await findSubject('bob')}`, { enabled: false })

    await closed(nc)
    await bob.page.getByText('Your session has ended.').waitFor({ timeout: 2_000 * tokenSeconds })
    await bob.page.getByRole('button', { name: 'Log in' }).waitFor()

    await bob.page.context().clearCookies()
    await signIn(bob, 'bob')
    await bob.page.getByText('Account is disabled').waitFor()
  })

  it('accepts a new user whose name contains a dot', async () => {
    const user = { username: `ada.${crypto.randomUUID()}`, enabled: true }

    await expect(ground.ask('POST', '/users', user)).resolves.not.toThrow()
  })
})
