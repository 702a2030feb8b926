import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConnId } from '#schema/messages/presence'
import {
  type ClientFixture,
  createClientFixture,
  expectNoProblems,
  goTo,
  message,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let ground: ClientFixture
let alice: Visitor
let bob: TestUser
const connId = crypto.randomUUID() as ConnId

beforeAll(async () => {
  ground = await createClientFixture({ RATE_LIMIT_FACTOR: '100' })
  bob = await createTestUser(ground.urls, 'bob')
  alice = await ground.open('alice')
}, 120_000)
afterAll(async () => {
  await bob?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

/** A room of bob's, with others in it or not. */
async function givenRoom(kind: 'public' | 'private', ...others: string[]): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  // Who says nothing for long is there no more.
  await bob.client.call('presence.heartbeat', { connId })
  await bob.client.call('room.create', { room, name: room, kind })
  for (const userId of others) await bob.client.call('room.invite', { room, userId })
  return room
}

async function openMembers(room: string) {
  const { page } = alice
  await page.getByRole('link', { name: room }).click()
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
  await page.getByRole('button', { name: 'Members', exact: true }).click()
  return page.getByRole('region', { name: 'Members' }).getByRole('listitem')
}

/** Something that is said there is shown after everything that was told before. */
async function sayLast(room: string) {
  const last = `last-${crypto.randomUUID().slice(0, 8)}`
  await bob.send(room, last)
  await message(alice.page, last).waitFor()
}

/** So many frames since then name a room. */
const framesOf = ({ frames }: Visitor, room: string, since = 0) =>
  frames.slice(since).filter((frame) => frame.includes(room))

describe('who is there', { timeout: 60_000 }, () => {
  it('is still there after leaving one room of two', async () => {
    const [left, stays] = [await givenRoom('public', 'alice'), await givenRoom('public', 'alice')]
    await bob.client.call('room.role', { room: left, userId: 'alice', role: 'owner' })
    const his = (await openMembers(stays)).filter({ hasText: 'Bob Brown' })
    await his.filter({ hasText: 'Online' }).waitFor()

    await bob.client.call('room.leave', { room: left })
    await expect
      .poll(() => framesOf(alice, `room.presence.${left}`).join())
      .toContain('"status":"offline"')
    await sayLast(stays)

    expect(await his.textContent()).toContain('Online')
  })

  it('is known again after the connection was away', async () => {
    const room = await givenRoom('private', 'alice')
    const his = (await openMembers(room)).filter({ hasText: 'Bob Brown' })
    await his.filter({ hasText: 'Online' }).waitFor()
    const context = alice.page.context()
    await context.setOffline(true)
    await alice.page.getByText('Connection lost.').waitFor()
    await bob.client.call('presence.disconnect', { connId })

    await context.setOffline(false)

    await his.filter({ hasText: 'Offline' }).waitFor({ timeout: 15_000 })
    await bob.client.call('presence.heartbeat', { connId })
    await his.filter({ hasText: 'Online' }).waitFor()
  })

  it('is away who has touched nothing for ten minutes, and online when they do', async () => {
    const room = await givenRoom('private', 'alice')
    const statusOfAlice = async () => {
      const { present } = await bob.client.call('presence.room', { room })
      return Object.entries(present).find(([user]) => user === 'alice')?.[1]
    }
    const tab = await alice.page.context().newPage()
    await tab.clock.install()
    await alice.page.goto('about:blank')
    await tab.goto(`${ground.urls.web}/r/${room}`)
    await tab.locator('#composer').waitFor()
    const me = tab.getByRole('button', { name: /^Alice Adams/ })
    await me.filter({ hasText: 'Online' }).waitFor()

    await tab.clock.fastForward('09:00')
    expect(await statusOfAlice()).toBe('online')
    await tab.clock.fastForward('02:00')
    await expect.poll(statusOfAlice).toBe('away')
    await me.filter({ hasText: 'Away' }).waitFor()
    await tab.keyboard.press('Shift')
    await expect.poll(statusOfAlice).toBe('online')
    await me.click()
    await tab.getByRole('menuitemradio', { name: 'Away' }).click()
    await me.filter({ hasText: 'Away' }).waitFor()
    await tab.keyboard.press('Shift')
    expect(await statusOfAlice()).toBe('away')
    await me.click()
    await tab.getByRole('menuitemradio', { name: 'Online' }).click()
    await me.filter({ hasText: 'Online' }).waitFor()
    await alice.page.goto(ground.urls.web)
    await tab.close()
  })

  it('is not claimed of people nothing is known of', async () => {
    const { page } = alice
    await using charlie = await createTestUser(ground.urls, 'charlie')
    const { userId } = await charlie.client.call('users.me', {})
    const search = () => bob.client.call('users.search', { text: userId })
    await expect.poll(async () => (await search()).users).toHaveLength(1)
    await page.getByRole('button', { name: 'New message' }).click()
    await page.getByLabel('Search people by name').fill('charlie')
    const found = page.getByRole('dialog').getByRole('option', { name: /@charlie/ })
    await found.waitFor()

    expect(await found.locator('.dot').count()).toBe(0)
    await page.keyboard.press('Escape')
  })
})

describe('a page', { timeout: 60_000 }, () => {
  it('is told of the rooms that somebody is in, and of no others', async () => {
    const mine = await givenRoom('public', 'alice')
    const other = await givenRoom('public')
    const { page, frames } = alice
    await page.getByRole('link', { name: mine }).click()
    await page.locator('#composer').waitFor()
    const since = frames.length

    for (const room of [other, mine]) bob.client.publish('typing', { room })
    await page.getByText('Bob Brown is typing…').waitFor()
    for (const room of [other, mine]) await bob.send(room, `in ${room}`)
    await message(page, `in ${mine}`).waitFor()
    await bob.client.call('presence.update', { status: 'away' })
    await expect.poll(() => framesOf(alice, `room.presence.${mine}`, since)).not.toEqual([])
    expect(framesOf(alice, other, since)).toEqual([])

    const context = page.context()
    await context.setOffline(true)
    await page.getByText('Connection lost.').waitFor()
    await context.setOffline(false)
    await page.getByText('Connection lost.').waitFor({ state: 'detached', timeout: 15_000 })
    await bob.send(other, 'unheard')
    await sayLast(mine)
    expect(framesOf(alice, other, since)).toEqual([])
    await bob.client.call('presence.update', { status: 'online' })
  })

  it('hears a public room from when somebody has joined it elsewhere until they leave it', async () => {
    const [room, stays] = [await givenRoom('public'), await givenRoom('private', 'alice')]
    await using elsewhere = await createTestUser(ground.urls, 'alice')
    const { page } = alice
    await page.getByRole('link', { name: stays }).click()

    await elsewhere.client.call('room.join', { room })
    const link = page.getByRole('link', { name: new RegExp(room) })
    await link.waitFor()
    await bob.send(room, 'heard')
    await page.getByRole('link', { name: new RegExp(`${room}.*1 unread`) }).waitFor()

    await elsewhere.client.call('room.leave', { room })
    await link.waitFor({ state: 'detached' })
    const since = alice.frames.length
    await bob.send(room, 'not heard')
    await goTo(page, ground.urls.web, stays)
    await sayLast(stays)
    expect(framesOf(alice, room, since).filter((it) => it.includes('not heard'))).toEqual([])
  })

  it('complains of nothing', async () => {
    // Without a network the browser says that there is none.
    const problems = alice.problems.filter((it) => !it.includes('ERR_INTERNET_DISCONNECTED'))
    await expectNoProblems({ ...alice, problems })
  })
})
