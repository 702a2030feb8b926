import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  expectNoProblems,
  logOut,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

/** Short, so that the page renews its token during a test. */
const tokenSeconds = 8

const fixture = useClientFixture({
  env: { ISSUER_ACCESS_TOKEN_TTL: String(tokenSeconds), RATE_LIMIT_FACTOR: '100' },
})

async function givenRoom(alice: Visitor): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await using bob = await createTestUser(fixture.urls, 'bob')
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  await alice.page.getByRole('link', { name: room }).click()
  await alice.page.locator('#composer').waitFor()
  return room
}

/** Lets bob send messages until `stop`, each over a new connection with a new token. */
function keepSending(room: string) {
  const sent: string[] = []
  let isStopped = false
  const sending = (async () => {
    while (!isStopped) {
      await using bob = await createTestUser(fixture.urls, 'bob')
      const text = `word ${sent.length}.`
      await bob.send(room, text)
      sent.push(text)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await sending
      return sent
    },
  }
}

const texts = (page: Page) => page.getByRole('log').locator('.message-text').allTextContents()

function recordTokenRequests(page: Page) {
  const times: number[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/protocol/openid-connect/token')) times.push(Date.now())
  })
  return times
}

function recordFailures(page: Page) {
  let failures = 0
  page.on('requestfailed', (request) => {
    if (request.url().includes('/protocol/openid-connect/token')) failures++
  })
  return () => failures
}

/** Kills the process of a service. */
async function killProcess(name: string) {
  const file = new URL(`file://${fixture.stateDir}/stack.json`)
  const { pids } = JSON.parse(await readFile(file, 'utf8')) as { pids: Record<string, number> }
  const pid = pids[name]
  if (!pid) throw new Error(`${name} is not among the processes ${Object.keys(pids)}`)
  process.kill(pid, 'SIGKILL')
}

describe('a session', { timeout: 90_000 }, () => {
  it('renews its token while the user types, without opening a new connection', async () => {
    const alice = await fixture.open('alice')
    const { page } = alice
    const room = await givenRoom(alice)
    const renewals = recordTokenRequests(page)
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    const bob = keepSending(room)

    const written: string[] = []
    await page.locator('#composer').focus()
    while (renewals.length < 2) {
      written.push(String(written.length % 10))
      await page.keyboard.type(written.at(-1) ?? '', { delay: 100 })
    }
    const sent = await bob.stop()
    await message(page, sent.at(-1) ?? '').waitFor()

    expect(sockets).toEqual([])
    expect(await page.locator('#composer').inputValue()).toBe(written.join(''))
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('composer')
    await expect.poll(async () => (await texts(page)).slice(-8)).toEqual(sent.slice(-8))
    await page.keyboard.press('Enter')
    await message(page, written.join('')).waitFor()
    await expectNoProblems(alice)
    await page.context().close()
  })

  it('ends with a notice, without a retry, if the provider rejects a token renewal', async () => {
    const { page } = await fixture.open('alice')
    const other = await page.context().newPage()
    // The other tab broadcasts nothing, so that the page learns of the logout only from the
    // provider.
    await other.addInitScript(() => {
      BroadcastChannel.prototype.postMessage = () => undefined
    })
    await other.goto(fixture.urls.web)
    await logOut(other)
    await other.getByRole('button', { name: 'Log in' }).waitFor()
    const requests = recordTokenRequests(page)

    await page.getByText('Your session has ended.').waitFor({ timeout: 20_000 })
    const count = requests.length
    await other.waitForTimeout(tokenSeconds * 1_000)

    expect(requests.length).toBe(count)
    expect(count).toBeLessThanOrEqual(2)
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().close()
  })

  it('stays connected while the token cannot be renewed because the provider is unavailable', async () => {
    const alice = await fixture.open('alice')
    const { page } = alice
    const room = await givenRoom(alice)
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    const failed = recordFailures(page)

    await page.route(`${fixture.urls.issuer}/**`, (route) => route.abort())
    await expect.poll(failed, { timeout: 60_000 }).toBeGreaterThan(1)
    await using bob = await createTestUser(fixture.urls, 'bob')
    await bob.send(room, 'still here')
    await message(page, 'still here').waitFor()
    await page.unroute(`${fixture.urls.issuer}/**`)
    const renewals = recordTokenRequests(page)
    await expect.poll(() => renewals.length, { timeout: 60_000 }).toBeGreaterThan(0)

    await typeMessage(page, 'so am I')
    await message(page, 'so am I').waitFor()
    expect(sockets).toEqual([])
    await page.context().close()
  })

  it.each(['nats-server', 'runtime'])(
    'survives a crash of %s, and sends each message written meanwhile exactly once',
    async (name) => {
      const alice = await fixture.open('alice')
      const room = await givenRoom(alice)
      await typeMessage(alice.page, 'before')
      await message(alice.page, 'before').waitFor()

      await killProcess(name)
      for (const text of ['meanwhile 1', 'meanwhile 2', 'meanwhile 3'])
        await typeMessage(alice.page, text)

      const history = async () => {
        try {
          await using bob = await createTestUser(fixture.urls, 'bob')
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
