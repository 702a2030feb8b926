import { describe, expect, it } from 'vitest'
import type { ConnId } from '#schema/messages/presence'
import {
  expectNoProblems,
  goTo,
  message,
  type PersonName,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser
const connId = crypto.randomUUID() as ConnId

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

async function givenRoom(kind: 'public' | 'private', ...others: PersonName[]): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  // Without heartbeats, bob's status would become offline.
  await bob.client.call('presence.heartbeat', { connId })
  await bob.client.call('room.create', { room, name: room, kind })
  for (const userId of others) await fixture.inviteAndJoin(room, userId, bob)
  return room
}

async function openMembers(room: string) {
  const { page } = alice
  await page.getByRole('link', { name: room }).click()
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
  await page.getByRole('button', { name: 'Members', exact: true }).click()
  return page.getByRole('region', { name: 'Members' }).getByRole('listitem')
}

/**
 * Sends a message, and waits until alice's page shows it. The page has then received all earlier
 * events.
 */
async function sendSentinel(room: string) {
  const last = `last-${crypto.randomUUID().slice(0, 8)}`
  await bob.send(room, last)
  await message(alice.page, last).waitFor()
}

const framesOf = ({ frames }: Visitor, room: string, since = 0) =>
  frames.slice(since).filter((frame) => frame.includes(room))

describe('presence', { timeout: 60_000 }, () => {
  it('of a user who leaves a room stays online in another room that they share with the reader', async () => {
    const [left, stays] = [await givenRoom('public', 'alice'), await givenRoom('public', 'alice')]
    await bob.client.call('room.role', { room: left, userId: 'alice', role: 'owner' })
    const his = (await openMembers(stays)).filter({ hasText: 'Bob Brown' })
    await his.filter({ hasText: 'Online' }).waitFor()

    await bob.client.call('room.leave', { room: left })
    await expect
      .poll(() => framesOf(alice, `room.presence.${left}`).join())
      .toContain('"status":"offline"')
    await sendSentinel(stays)

    expect(await his.textContent()).toContain('Online')
  })

  it('is up to date after a reconnect', async () => {
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

  it('changes to away after ten idle minutes, and to online on input', async () => {
    const room = await givenRoom('private', 'alice')
    const readAliceStatus = async () => {
      const { present } = await bob.client.call('presence.room', { room })
      return Object.entries(present).find(([user]) => user === 'alice')?.[1]
    }
    const tab = await alice.page.context().newPage()
    await tab.clock.install()
    await alice.page.goto('about:blank')
    await tab.goto(`${fixture.urls.web}/r/${room}`)
    await tab.locator('#composer').waitFor()
    const me = tab.getByRole('button', { name: /^Alice Adams/ })
    await me.filter({ hasText: 'Online' }).waitFor()

    await tab.clock.fastForward('09:00')
    expect(await readAliceStatus()).toBe('online')
    // The first jump of the clock makes the page renew its token. If the page is still reconnecting
    // when the ten minutes have passed, it publishes the status only at its next check. So the test
    // advances the clock repeatedly.
    await expect
      .poll(async () => {
        await tab.clock.fastForward('00:35')
        return readAliceStatus()
      })
      .toBe('away')
    await me.filter({ hasText: 'Away' }).waitFor()
    // Inserts text without key events, as an input method does.
    await tab.keyboard.insertText('日本語')
    await expect.poll(readAliceStatus).toBe('online')
    await me.click()
    await tab.getByRole('menuitemradio', { name: 'Away' }).click()
    await me.filter({ hasText: 'Away' }).waitFor()
    await tab.keyboard.press('Shift')
    expect(await readAliceStatus()).toBe('away')
    await me.click()
    await tab.getByRole('menuitemradio', { name: 'Online' }).click()
    await me.filter({ hasText: 'Online' }).waitFor()
    await alice.page.goto(fixture.urls.web)
    await tab.close()
  })

  it('stays "do not disturb" after a reload until the user changes it', async () => {
    const { page } = alice
    const me = page.getByRole('button', { name: /^Alice Adams/ })
    await me.click()
    await page.getByRole('menuitem', { name: 'Do not disturb' }).hover()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).click()
    await me.filter({ hasText: 'Do not disturb until' }).waitFor()

    await page.reload()

    await me.filter({ hasText: 'Do not disturb until' }).waitFor()
    await me.click()
    await page.getByRole('menuitemradio', { name: 'Online' }).click()
    await me.filter({ hasText: 'Online' }).waitFor()
    const socket = page.waitForEvent('websocket')
    await page.reload()
    await (await socket).waitForEvent('framereceived', {
      predicate: ({ payload }) => payload.toString().includes('"status"'),
    })
    await me.filter({ hasText: 'Online' }).waitFor()
  })

  it('is not shown for a user whose status is unknown', async () => {
    const { page } = alice
    await using charlie = await createTestUser(fixture.urls, 'charlie')
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

describe('the NATS subscriptions of a page', { timeout: 60_000 }, () => {
  it('receive events only of rooms that the user has joined', async () => {
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
    await bob.send(other, 'not subscribed')
    await sendSentinel(mine)
    expect(framesOf(alice, other, since)).toEqual([])
    await bob.client.call('presence.update', { status: 'online' })
  })

  it('change when the user joins or leaves a room in another session', async () => {
    const [room, stays] = [await givenRoom('public'), await givenRoom('private', 'alice')]
    await using elsewhere = await createTestUser(fixture.urls, 'alice')
    const { page } = alice
    await page.getByRole('link', { name: stays }).click()

    await elsewhere.client.call('room.join', { room })
    const link = page.getByRole('link', { name: new RegExp(room) })
    await link.waitFor()
    await bob.send(room, 'received')
    await page.getByRole('link', { name: new RegExp(`${room}.*1 unread`) }).waitFor()

    await elsewhere.client.call('room.leave', { room })
    await link.waitFor({ state: 'detached' })
    const since = alice.frames.length
    await bob.send(room, 'not received')
    await goTo(page, fixture.urls.web, stays)
    await sendSentinel(stays)
    expect(framesOf(alice, room, since).filter((frame) => frame.includes('not received'))).toEqual(
      [],
    )
  })

  it('log no errors in the page', async () => {
    const problems = alice.problems.filter(
      (problem) => !problem.includes('ERR_INTERNET_DISCONNECTED'),
    )
    await expectNoProblems({ ...alice, problems })
  })
})
