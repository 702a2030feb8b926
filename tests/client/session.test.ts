import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  createClientFixture,
  expectNoProblems,
  message,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

/** So that a page renews its token every few seconds. */
const tokenSeconds = 8

let ground: ClientFixture

beforeAll(async () => {
  ground = await createClientFixture({
    ISSUER_ACCESS_TOKEN_TTL: String(tokenSeconds),
    RATE_LIMIT_FACTOR: '100',
  })
}, 120_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

/** A room of bob's, with alice in it, open before her. */
async function givenRoom(alice: Visitor): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await using bob = await createTestUser(ground.urls, 'bob')
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await bob.client.call('room.invite', { room, userId: 'alice' })
  await alice.page.getByRole('link', { name: room }).click()
  await alice.page.locator('#composer').waitFor()
  return room
}

/** What bob says, each time with a token of its own, until he is told to stop. */
function keepTalking(room: string) {
  const said: string[] = []
  let isOver = false
  const talking = (async () => {
    while (!isOver) {
      await using bob = await createTestUser(ground.urls, 'bob')
      const text = `word ${said.length}.`
      await bob.send(room, text)
      said.push(text)
    }
  })()
  return {
    async stop() {
      isOver = true
      await talking
      return said
    },
  }
}

const texts = (page: Page) => page.getByRole('log').locator('.message-text').allTextContents()

/** How often a page has asked the provider for tokens. */
function countTokens(page: Page) {
  const asked: number[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/protocol/openid-connect/token')) asked.push(Date.now())
  })
  return asked
}

async function end(name: string) {
  const file = new URL(`file://${ground.stateDir}/stack.json`)
  const { pids } = JSON.parse(await readFile(file, 'utf8')) as { pids: Record<string, number> }
  const pid = pids[name]
  if (!pid) throw new Error(`No ${name} among ${Object.keys(pids)}`)
  process.kill(pid, 'SIGKILL')
}

describe('a session', { timeout: 90_000 }, () => {
  it('goes on with new tokens under whoever is writing, and misses nothing', async () => {
    const alice = await ground.open('alice')
    const { page } = alice
    const renewals = countTokens(page)
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    const room = await givenRoom(alice)
    const bob = keepTalking(room)

    const written: string[] = []
    await page.locator('#composer').focus()
    while (renewals.length < 2 || sockets.length < 2) {
      written.push(String(written.length % 10))
      await page.keyboard.type(written.at(-1) ?? '', { delay: 100 })
    }
    const said = await bob.stop()
    await message(page, said.at(-1) ?? '').waitFor()

    expect(await page.locator('#composer').inputValue()).toBe(written.join(''))
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('composer')
    await expect.poll(async () => (await texts(page)).slice(-8)).toEqual(said.slice(-8))
    await page.keyboard.press('Enter')
    await message(page, written.join('')).waitFor()
    await expectNoProblems(alice)
    await page.context().close()
  })

  it('ends where the provider gives no more tokens, says so, and does not go on asking', async () => {
    const { page } = await ground.open('alice')
    const other = await page.context().newPage()
    other.setDefaultTimeout(10_000)
    // As if another application of the provider were left: the page hears of it from the provider alone.
    await other.addInitScript(() => {
      BroadcastChannel.prototype.postMessage = () => undefined
    })
    await other.goto(ground.urls.web)
    await other.locator('.me').click()
    await other.getByRole('menuitem', { name: 'Log out' }).click()
    await other.getByRole('button', { name: 'Log in' }).waitFor()
    const asked = countTokens(page)

    await page.getByText('Your session has ended.').waitFor({ timeout: 20_000 })
    const count = asked.length
    await other.waitForTimeout(tokenSeconds * 1_000)

    expect(asked.length).toBe(count)
    expect(count).toBeLessThanOrEqual(2)
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().close()
  })

  it('waits for a provider that is away when its token ends, and goes on by itself', async () => {
    const alice = await ground.open('alice')
    const { page } = alice
    const room = await givenRoom(alice)
    await page.locator('#composer').fill('not sent yet')
    let failures = 0
    page.on('requestfailed', (request) => {
      if (request.url().startsWith(ground.urls.issuer)) failures++
    })

    await page.route(`${ground.urls.issuer}/**`, (route) => route.abort())
    await page.getByText('The connection is lost.').waitFor({ timeout: 3_000 * tokenSeconds })
    const before = failures
    await expect.poll(() => failures, { timeout: 30_000 }).toBeGreaterThan(before + 1)

    expect(await page.locator('#composer').inputValue()).toBe('not sent yet')
    await page.unroute(`${ground.urls.issuer}/**`)
    await page.getByText('The connection is lost.').waitFor({ state: 'detached', timeout: 30_000 })
    await using bob = await createTestUser(ground.urls, 'bob')
    await bob.send(room, 'you are back')
    // The next token is due in a moment, and with it another connection.
    await message(page, 'you are back').waitFor({ timeout: 20_000 })
    await page.locator('#composer').press('Enter')
    await message(page, 'not sent yet').waitFor()
    await page.context().close()
  })

  it.each(['nats-server', 'runtime'])(
    'outlives the end of %s: what was written meanwhile is said once',
    async (name) => {
      const alice = await ground.open('alice')
      const room = await givenRoom(alice)
      await typeMessage(alice.page, 'before')
      await message(alice.page, 'before').waitFor()

      await end(name)
      for (const text of ['meanwhile 1', 'meanwhile 2', 'meanwhile 3'])
        await typeMessage(alice.page, text)

      const history = async () => {
        try {
          await using bob = await createTestUser(ground.urls, 'bob')
          const { messages } = await bob.client.call('chat.history', { room })
          return messages.map(({ text }) => text)
        } catch (error) {
          return [String(error)]
        }
      }
      await expect
        .poll(history, { timeout: 40_000 })
        .toEqual(['before', 'meanwhile 1', 'meanwhile 2', 'meanwhile 3'])
      await expect
        .poll(() => texts(alice.page))
        .toEqual(['before', 'meanwhile 1', 'meanwhile 2', 'meanwhile 3'])
      await alice.page.context().close()
    },
  )
})
