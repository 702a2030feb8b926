import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import {
  type ClientFixture,
  confirm,
  createClientFixture,
  expectNoProblems,
  goTo,
  makeRoom,
  message,
  runAction,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

let ground: ClientFixture
let alice: Visitor
let bob: Visitor

beforeAll(async () => {
  ground = await createClientFixture({ RATE_LIMIT_FACTOR: '10' })
  alice = await ground.open('alice')
  bob = await ground.open('bob')
}, 120_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

/** A room of alice's that bob has found and is in as well, open before both. */
async function givenRoom(): Promise<string> {
  const room = await makeRoom(alice.page, 'public')
  await goTo(bob.page, ground.urls.web, room)
  await bob.page.getByRole('button', { name: 'Join room' }).click()
  await bob.page.locator('#composer').waitFor()
  return room
}

const focused = ({ page }: Visitor) =>
  page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent}`)

describe('the manners of the page', { timeout: 60_000 }, () => {
  it('let nobody disturb after a reload either, until one says otherwise', async () => {
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
    const asked = page.waitForEvent('websocket')
    await page.reload()
    await (await asked).waitForEvent('framereceived', {
      predicate: ({ payload }) => payload.toString().includes('"status"'),
    })
    await me.filter({ hasText: 'Online' }).waitFor()
  })

  it('suggest an address for whatever a room is called', async () => {
    const { page } = alice
    await page.getByRole('button', { name: 'Create room' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create room' })
    const suggested = async (name: string) => {
      await dialog.getByLabel('Name').fill(name)
      return dialog.getByLabel('Address').inputValue()
    }

    expect(await suggested('Größe, Übung & Café')).toBe('grosse-ubung-cafe')
    expect(await suggested('设计')).toMatch(/^room-[a-z0-9]{6}$/)
    expect(await suggested('')).toBe('')
    await page.keyboard.press('Escape')
  })

  it('go to somebody one has never talked to, and to a room one is not in, from the switcher', async () => {
    const room = await makeRoom(bob.page, 'public')
    const { page } = alice
    const goBy = async (text: string, option: RegExp) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill(text)
      await page.getByRole('option', { name: option }).click()
    }

    await goBy(room, new RegExp(room))
    await page.getByRole('button', { name: 'Join room' }).waitFor()
    await goBy('bob', /Bob Brown/)

    await page.getByRole('heading', { level: 1, name: 'Bob Brown' }).waitFor()
    await page.getByText('This is the start of your conversation with Bob Brown.').waitFor()
  })

  it('say who is a member already, to whoever invites', async () => {
    await givenRoom()
    const { page } = alice
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    const members = page.getByRole('region', { name: 'Members' })
    await members.getByRole('listitem').filter({ hasText: 'Bob Brown' }).waitFor()
    await page.getByRole('button', { name: 'Invite people' }).click()

    await page.getByLabel('Search people by name').fill('bob')

    const found = page.getByRole('dialog').getByRole('option', { name: /Bob Brown/ })
    await found.filter({ hasText: 'Already a member' }).waitFor()
    expect(await found.isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Close' }).click()
  })

  it('leave the focus at what one has thought of deleting', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'better kept')
    await runAction(alice.page, 'better kept', 'Delete')
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()

    await expect.poll(() => focused(alice)).toMatch(/^BUTTON/)
    await message(alice.page, 'better kept').locator(':focus').waitFor()
  })

  it('leave the focus at what somebody else deletes', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'not to stay')
    await message(bob.page, 'not to stay').waitFor()
    await bob.page.locator('#composer').press('Alt+ArrowUp')
    await bob.page.keyboard.press('Tab')
    await expect.poll(() => focused(bob)).toMatch(/^BUTTON/)

    await runAction(alice.page, 'not to stay', 'Delete')
    await confirm(alice.page, 'Delete')
    await bob.page.getByText('This message was deleted.').waitFor()

    expect(await focused(bob)).toMatch(/^ARTICLE .*This message was deleted/)
  })

  it('count as read what was seen, however soon the page goes', async () => {
    const room = await givenRoom()
    const { page } = alice
    await goTo(page, ground.urls.web, 'nowhere')
    await typeMessage(bob.page, 'seen for a moment')
    const link = page.getByRole('link', { name: new RegExp(`${room}.*1 unread`) })
    await link.click()
    await message(page, 'seen for a moment').waitFor()

    await page.goto('about:blank')

    const other = await ground.open('alice')
    await other.page.getByRole('link', { name: room }).waitFor()
    await expect
      .poll(() => other.page.getByRole('link', { name: room }).textContent())
      .not.toContain('unread')
    await other.page.context().close()
    await page.goto(ground.urls.web)
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  })

  it('leave the focus in the dialog that was opened last', async () => {
    const { page } = alice
    await givenRoom()
    await page.getByRole('button', { name: 'Create room' }).click()
    await page.getByRole('dialog', { name: 'Create room' }).waitFor()

    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Jump to' }).waitFor()
    await page.getByRole('dialog', { name: 'Create room' }).waitFor({ state: 'detached' })

    await expect
      .poll(() => page.getByRole('combobox').evaluate((it) => it === document.activeElement))
      .toBe(true)
    await page.keyboard.press('Escape')
  })

  it('say that somebody writes, and no more once it is said', async () => {
    const room = await givenRoom()
    const other = await givenRoom()
    const writes = alice.page.getByText('Bob Brown is typing…')
    await bob.page.locator('#composer').press('a')
    await writes.waitFor()
    await goTo(alice.page, ground.urls.web, room)
    await bob.page.getByRole('link', { name: room }).click()

    await bob.page.locator('#composer').press('b')

    await writes.waitFor({ timeout: 2_500 })
    await typeMessage(bob.page, 'that was it')
    await message(alice.page, 'that was it').waitFor()
    expect(await writes.count()).toBe(0)
    expect(other).not.toBe(room)
  })

  it('show all of a menu and a dialog on the smallest phone, and a way back from nowhere', async () => {
    const { page } = await ground.open('alice', { viewport: { width: 320, height: 640 } })
    const width = () => page.evaluate(() => document.documentElement.scrollWidth)
    await makeRoom(page, 'public')

    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menu').waitFor()
    expect(await width()).toBe(320)
    await page.keyboard.press('Escape')
    await goTo(page, ground.urls.web, 'no-such-room')
    await page.getByRole('main').getByRole('button', { name: 'Rooms' }).click()
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    expect(await dialog.evaluate((it) => it.scrollWidth - it.clientWidth)).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Do not disturb' }).click()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).waitFor()
    expect(await width()).toBe(320)
    await page.context().close()
  })

  it('show all rooms that can be joined, fifty at a time', async () => {
    await using bobSpeaks = await createTestUser(ground.urls, 'bob')
    const name = `many-${crypto.randomUUID().slice(0, 8)}`
    const kind = 'public'
    for (let at = 10; at < 61; at++)
      await bobSpeaks.client.call('room.create', { room: `${name}-${at}` as RoomId, name, kind })
    const { page } = alice
    await page.getByRole('button', { name: 'Browse rooms' }).first().click()
    const found = page.getByRole('dialog').getByRole('button', { name: /^Join/ })
    await page.getByRole('searchbox').fill(name)
    await expect.poll(() => found.count()).toBe(50)

    await page.getByRole('button', { name: 'Show more' }).click()

    await expect.poll(() => found.count()).toBe(51)
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
    await page.keyboard.press('Escape')
  })

  it('complain of nothing', async () => {
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })
})
