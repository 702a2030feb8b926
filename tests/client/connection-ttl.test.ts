import { expect, it } from 'vitest'
import {
  createRoom,
  expectNoProblems,
  message,
  useClientFixture,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

const connectionSeconds = 10
/** Not a multiple of `connectionSeconds`, so that some connections end while the token is still valid. */
const tokenSeconds = 14

const fixture = useClientFixture({
  env: {
    ISSUER_ACCESS_TOKEN_TTL: String(tokenSeconds),
    CONNECTION_TTL: String(connectionSeconds),
    RATE_LIMIT_FACTOR: '100',
  },
})

it('the page reconnects with its newest token when the server ends the connection', {
  timeout: 120_000,
}, async () => {
  const alice = await fixture.open('alice')
  const { page } = alice
  const room = await createRoom(page, 'public')
  const sockets: string[] = []
  page.on('websocket', (socket) => sockets.push(socket.url()))
  await page.locator('#composer').fill('a draft')

  const sent: string[] = []
  while (sockets.length < 3) {
    await using bob = await createTestUser(fixture.urls, 'bob')
    if (sent.length === 0) await bob.client.call('room.join', { room })
    sent.push(`word ${sent.length}.`)
    await bob.send(room, sent.at(-1) ?? '')
    await page.waitForTimeout(100)
  }

  await message(page, sent.at(-1) ?? '').waitFor()
  const texts = await page.getByRole('log').locator('.message-text').allTextContents()
  expect(texts.slice(-8)).toEqual(sent.slice(-8))
  expect(await page.locator('#composer').inputValue()).toBe('a draft')
  await expectNoProblems(alice)
  await page.context().close()
})

it('the page reconnects without user action after an outage of the OpenID provider in which the page’s token and connection expired', {
  timeout: 120_000,
}, async () => {
  const { page } = await fixture.open('alice')
  const room = await createRoom(page, 'public')
  await page.locator('#composer').fill('not sent yet')
  let failures = 0
  page.on('requestfailed', (request) => {
    if (request.url().startsWith(fixture.urls.issuer)) failures++
  })

  await page.route(`${fixture.urls.issuer}/**`, (route) => route.abort())
  const maxMs = 3_000 * (connectionSeconds + tokenSeconds)
  await page.getByText('Connection lost.').waitFor({ timeout: maxMs })
  const before = failures
  await expect.poll(() => failures, { timeout: 30_000 }).toBeGreaterThan(before + 1)

  expect(await page.locator('#composer').inputValue()).toBe('not sent yet')
  await page.unroute(`${fixture.urls.issuer}/**`)
  await page.getByText('Connection lost.').waitFor({ state: 'detached', timeout: 30_000 })
  await using bob = await createTestUser(fixture.urls, 'bob')
  await bob.client.call('room.join', { room })
  await bob.send(room, 'you are back')
  // If the connection expires at this moment, the page shows the message after its next reconnect.
  // So the timeout is long.
  await message(page, 'you are back').waitFor({ timeout: 20_000 })
  await page.locator('#composer').press('Enter')
  await message(page, 'not sent yet').waitFor()
  await page.context().close()
})
