import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectNoProblems,
  goTo,
  makeRoom,
  message,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import {
  createKeycloakFixture,
  type KeycloakFixture,
  readTokens,
  signIn,
  type Tokens,
} from '../support/keycloak-fixture.ts'

/** So that a page renews its token within a test. */
const tokenSeconds = 15

let ground: KeycloakFixture
let alice: Visitor
let bob: Visitor
/** A public room of alice's that bob is in, open before both. */
let room: string

beforeAll(async () => {
  ground = await createKeycloakFixture()
  await ground.ask('PUT', '', { accessTokenLifespan: tokenSeconds })
  alice = await enter('alice')
  bob = await enter('bob')
  room = await makeRoom(alice.page, 'public')
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
  await page.getByRole('button', { name: 'Join to read and write' }).click()
}

/** Where a page went while somebody else did something. */
function follow({ page }: Visitor) {
  const paths: string[] = []
  page.on('framenavigated', (frame) => paths.push(new URL(frame.url()).pathname))
  return paths
}

/** Tries to log in at NATS. */
async function tryToken(token: string): Promise<string> {
  try {
    const nc = await connect({ servers: ground.urls.nats, token, reconnect: false })
    await nc.close()
    return 'let in'
  } catch (error) {
    return String(error)
  }
}

describe('with a real Keycloak', { timeout: 120_000 }, () => {
  it('people log in on its page, and talk to each other', async () => {
    await typeMessage(alice.page, 'Good morning, bob')
    await message(bob.page, 'Good morning, bob').getByText('Alice Adams').waitFor()
    await typeMessage(bob.page, 'Good morning to you')

    await message(alice.page, 'Good morning to you').getByText('Bob Brown').waitFor()
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('a page that is loaded anew comes back to where it was, and nobody types anything', async () => {
    const { page } = alice
    await page.evaluate((path) => history.replaceState(null, '', path), `/r/${room}`)

    await page.reload()

    await message(page, 'Good morning, bob').waitFor()
    expect(new URL(page.url()).pathname).toBe(`/r/${room}`)
    await expectNoProblems(alice)
  })

  it('who goes back to its page in the browser is still logged in', async () => {
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

  it('renews its token under whoever is writing, and loses nothing', async () => {
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
    while (renewals === 0 || sockets === 0) {
      written.push(String(written.length % 10))
      await page.keyboard.type(written.at(-1) ?? '', { delay: 150 })
      if (written.length % 10 > 0) continue
      said.push(`word ${said.length}.`)
      await typeMessage(bob.page, said.at(-1) ?? '')
    }
    expect(await page.locator('#composer').inputValue()).toBe(written.join(''))
    await page.locator('#composer').press('Enter')

    await message(bob.page, written.join('')).waitFor()
    for (const text of said) await message(page, text).waitFor()
    const texts = await page.getByRole('log').locator('.message-text').allTextContents()
    expect(texts.filter((text) => text.startsWith('word '))).toEqual(said)
    expect(went).toEqual([])
    await expectNoProblems(alice)
  })

  it('who has no role reads, and writes nothing', async () => {
    const charlie = await enter('charlie')
    await join(charlie)

    await message(charlie.page, 'Good morning, bob').waitFor()
    await charlie.page.getByText('You can read here, but not write.').waitFor()
    expect(await charlie.page.locator('#composer').count()).toBe(0)
    await expectNoProblems(charlie)
    await charlie.page.context().close()
  })

  describe('a token', () => {
    let tokens: Tokens
    const cli = { username: 'alice', password: 'alice123' }

    beforeAll(async () => {
      tokens = await readTokens(ground.keycloak.url, 'natter-cli', cli)
    })

    it('that is of use lets in, also as a program', async () => {
      expect(await tryToken(tokens.access_token)).toBe('let in')
    })

    it.each<[what: string, get: () => Promise<string>, reason: string]>([
      ['that is an ID token', async () => tokens.id_token, 'no access token: its typ is \\"ID\\"'],
      ['that is a refresh token', async () => tokens.refresh_token, '\\"alg\\"'],
      [
        'of another realm',
        async () => {
          const { admin, origin } = ground.keycloak
          return (await readTokens(`${origin}/realms/master`, 'admin-cli', admin)).access_token
        },
        // Each realm signs with keys of its own.
        'no applicable key found',
      ],
      [
        'for another client',
        async () => (await readTokens(ground.keycloak.url, 'admin-cli', cli)).access_token,
        'for another client: its azp is \\"admin-cli\\"',
      ],
    ])('%s lets nobody in', async (_, get, reason) => {
      const before = (await ground.readRuntimeLog()).length

      expect(await tryToken(await get())).toMatch(/Authorization Violation/)
      const logged = async () => (await ground.readRuntimeLog()).slice(before)
      await expect.poll(logged).toContain(reason)
    })
  })

  it('a logout ends the session at Keycloak: whoever comes next has to log in', async () => {
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

  it('whom it disables is out when the token ends, and comes in no more', async () => {
    const who = { username: 'bob', password: 'bob123' }
    const { access_token } = await readTokens(ground.keycloak.url, 'natter-cli', who)
    const nc = await connect({ servers: ground.urls.nats, token: access_token, reconnect: false })
    const [{ id }] = (await ground.ask('GET', '/users?username=bob&exact=true')) as [{ id: string }]
    await ground.ask('PUT', `/users/${id}`, { enabled: false })

    await bob.page.getByText('Your session has ended.').waitFor({ timeout: 2_000 * tokenSeconds })
    await nc.closed()
    await bob.page.getByRole('button', { name: 'Log in' }).waitFor()

    await bob.page.context().clearCookies()
    await signIn(bob, 'bob')
    await bob.page.getByText('Account is disabled').waitFor()
  })

  it('makes nobody whose name cannot be a user id', async () => {
    const user = { username: 'ada.lovelace', enabled: true }

    await expect(ground.ask('POST', '/users', user)).rejects.toThrow(/Use a to z, 0 to 9, _ and -/)
  })
})
