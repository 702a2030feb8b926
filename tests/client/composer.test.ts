import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  confirm,
  createRoom,
  expectAccessible,
  expectNoProblems,
  goTo,
  logIn,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    await using charlie = await createTestUser(fixture.urls, 'charlie')
    await charlie.client.call('users.me', {})
    alice = await open('alice')
  },
})

async function givenRoom(): Promise<string> {
  const room = await createRoom(alice.page, 'public')
  await bob.client.call('room.join', { room })
  return room
}

const field = () => alice.page.locator('#composer')
const list = () => alice.page.getByRole('listbox', { name: 'People' })
const option = (name: RegExp) => list().getByRole('option', { name })

describe('mention completion', { timeout: 60_000 }, () => {
  it('suggests members by any word of their name, and inserts the highlighted one on Enter', async () => {
    await givenRoom()
    await field().pressSequentially('(@BRO')
    await option(/Bob Brown/).waitFor()

    const id = await option(/Bob Brown/).getAttribute('id')
    expect(await field().getAttribute('aria-activedescendant')).toBe(id)
    expect(await field().getAttribute('aria-controls')).toBe(await list().getAttribute('id'))
    await expectAccessible(alice.page)
    await field().press('Enter')

    expect(await field().inputValue()).toBe('(@bob ')
    await list().waitFor({ state: 'detached' })
    await field().press('Enter')
    await message(alice.page, '(@Bob Brown').waitFor()
  })

  it('suggests all members after @ alone, and moves through them with the arrow keys', async () => {
    const room = await givenRoom()
    await using charlie = await createTestUser(fixture.urls, 'charlie')
    await charlie.client.call('room.join', { room })
    await field().pressSequentially('@')
    await option(/Charlie/).waitFor()
    expect(await list().getByRole('option').allTextContents()).toEqual([
      expect.stringContaining('Bob Brown'),
      expect.stringContaining('Charlie'),
      '@allNotifies everyone in this room',
      '@hereNotifies everyone who is online',
    ])
    await field().press('ArrowDown')
    await field().press('Tab')

    expect(await field().inputValue()).toBe('@charlie ')
    await field().pressSequentially('@')
    await option(/Bob Brown/).click()
    expect(await field().inputValue()).toBe('@charlie @bob ')
    await field().fill('')
  })

  it('suggests users outside the room, and marks them as such', async () => {
    await givenRoom()

    await field().pressSequentially('ask @char')

    await option(/Charlie.*Not in this room/).waitFor()
    await field().press('Tab')
    expect(await field().inputValue()).toBe('ask @charlie ')
    await field().fill('')
  })

  it('inserts no outdated suggestion when Enter follows fast typing', async () => {
    await givenRoom()
    await field().pressSequentially('@b')
    await option(/Bob Brown/).waitFor()

    await field().pressSequentially('zz', { delay: 0 })
    await field().press('Enter')

    await message(alice.page, '@bzz').waitFor()
    expect(await field().inputValue()).toBe('')
  })

  it('hides the suggestions after Escape until the next mention is typed', async () => {
    await givenRoom()
    await field().pressSequentially('@b')
    await option(/Bob Brown/).waitFor()

    await field().press('Escape')
    await list().waitFor({ state: 'detached' })
    await field().pressSequentially('o')
    expect(await list().count()).toBe(0)
    await field().pressSequentially(' @b')
    await option(/Bob Brown/).waitFor()
    await field().press('Escape')
    await field().press('Enter')

    await message(alice.page, '@bo @b').waitFor()
  })

  it('suggests users with cached names offline, and sends the message on Enter if no name matches', async () => {
    const room = await givenRoom()
    await bob.send(room, 'I am here')
    await message(alice.page, 'I am here').waitFor()
    await alice.page.context().setOffline(true)

    await field().pressSequentially('@bo')
    await option(/Bob Brown/).waitFor()
    await field().pressSequentially('zzz')
    await field().press('Enter')

    await message(alice.page, '@bozzz').waitFor()
    await alice.page.context().setOffline(false)
    // Discards the errors that the browser logs for each WebSocket that it cannot open.
    alice.problems.length = 0
  })
})

describe('the composer', { timeout: 60_000 }, () => {
  it('suggests emoji by name, and replaces a complete name, such as :rocket:, by its emoji', async () => {
    await givenRoom()
    await field().pressSequentially('done :tad')
    await alice.page.getByRole('option', { name: ':tada:' }).waitFor()
    await field().press('Enter')
    expect(await field().inputValue()).toBe('done 🎉 ')

    await field().pressSequentially('at 12:30 :rocket:')

    await expect.poll(() => field().inputValue()).toBe('done 🎉 at 12:30 🚀')
    await field().fill('')
  })

  it('inserts a picked emoji at the cursor', async () => {
    await givenRoom()
    const { page } = alice
    await field().fill('ab')
    await field().press('ArrowLeft')
    await page.getByRole('button', { name: 'Emoji' }).click()
    await page.getByRole('searchbox', { name: 'Search emoji' }).fill('party')
    await page.getByRole('button', { name: '🥳' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('searchbox', { name: 'Search emoji' }).fill('whale')
    await page.keyboard.press('Enter')

    expect(await field().inputValue()).toBe('a🐳b')
    expect(await field().evaluate((element) => element === document.activeElement)).toBe(true)
    await field().fill('')
  })

  it('moves through the emoji grid with the arrow keys', async () => {
    await givenRoom()
    const { page } = alice
    await page.getByRole('button', { name: 'Emoji' }).click()
    await page.getByRole('searchbox', { name: 'Search emoji' }).press('ArrowDown')
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    expect(await focused()).toBe('👍')

    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    const below = await focused()
    await page.keyboard.press('ArrowUp')
    expect(await focused()).toBe('❤️')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')

    expect(await field().inputValue()).toBe(below)
    await field().fill('')
  })

  it('toggles the formatting of the selected text by shortcut, and can undo it', async () => {
    await givenRoom()
    await field().fill('so be it')
    await field().selectText()

    await field().press('ControlOrMeta+b')
    expect(await field().inputValue()).toBe('**so be it**')
    await field().press('ControlOrMeta+b')
    expect(await field().inputValue()).toBe('so be it')
    await field().press('ControlOrMeta+z')
    expect(await field().inputValue()).toBe('**so be it**')
    await field().fill('code')
    await field().selectText()
    await field().press('ControlOrMeta+e')
    expect(await field().inputValue()).toBe('`code`')
    await field().fill('')
  })
})

describe('another user', { timeout: 60_000 }, () => {
  it('has a profile card that opens from the avatar, the name and a mention', async () => {
    const { page } = alice
    const room = await givenRoom()
    await bob.send(room, 'for @alice and @bob')
    const card = page.getByRole('dialog', { name: 'Bob Brown' })

    await message(page, 'for @').locator('.message-avatar').click()
    await card.getByText(/@bob · /).waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await card.waitFor({ state: 'detached' })
    await message(page, 'for @').getByRole('button', { name: '@Bob Brown' }).click()
    await card.waitFor()
    await page.keyboard.press('Escape')
    await message(page, 'for @').getByText('Bob Brown', { exact: true }).first().click()
    await card.getByRole('button', { name: 'Send message' }).click()

    await page.getByRole('heading', { level: 1, name: 'Bob Brown' }).waitFor()
    expect(await card.count()).toBe(0)
  })

  it('has a profile card that opens by keyboard and returns the focus on closing', async () => {
    const { page } = alice
    const room = await givenRoom()
    await bob.send(room, 'look at me')
    await message(page, 'look at me').waitFor()
    await field().press('Alt+ArrowUp')
    for (let press = 0; press < 3; press++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'View profile of Bob Brown' }).press('Enter')

    const card = page.getByRole('dialog', { name: 'Bob Brown' })
    await card.waitFor()
    await page.keyboard.press('Escape')
    await card.waitFor({ state: 'detached' })
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.closest('article') !== null))
      .toBe(true)
  })

  it('is removed from a room only after a confirmation', async () => {
    const { page } = alice
    await givenRoom()
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    const members = page.getByRole('region', { name: 'Members' })
    // An open dialog hides the row from the accessibility tree, so `getByRole` would not find it.
    const row = page.locator('.member').filter({ hasText: 'Bob Brown' })
    await row.hover()
    await row.getByRole('button', { name: 'Options for Bob Brown' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByText('They’ll no longer see').waitFor()
    expect(await row.count()).toBe(1)

    await confirm(page, 'Remove')

    await row.waitFor({ state: 'detached' })
    await members.getByRole('button', { name: 'Close' }).click()
  })
})

describe('the page on a phone', { timeout: 60_000 }, () => {
  it('does not scroll horizontally at 320 px, and has a button back to the room list', async () => {
    const { page } = await fixture.open('alice', { viewport: { width: 320, height: 640 } })
    const width = () => page.evaluate(() => document.documentElement.scrollWidth)
    await createRoom(page, 'public')

    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menu').waitFor()
    expect(await width()).toBe(320)
    await page.keyboard.press('Escape')
    await goTo(page, fixture.urls.web, 'no-such-room')
    await page.getByRole('main').getByRole('button', { name: 'Rooms' }).click()
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Do not disturb' }).click()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).waitFor()
    expect(await width()).toBe(320)
    await page.context().close()
  })

  it('shows the actions of a message after a tap on it', async () => {
    const room = await givenRoom()
    await bob.send(room, 'touch me')
    const viewport = { width: 390, height: 844 }
    const phone = await fixture.open('alice', { viewport, hasTouch: true, isMobile: true })
    const { page } = phone
    await page.getByRole('link', { name: new RegExp(room) }).tap()
    const touched = message(page, 'touch me')
    await touched.waitFor()
    expect(await touched.getByRole('toolbar').count()).toBe(0)

    await touched.getByText('touch me').tap()
    const react = touched.getByRole('button', { name: 'React' })
    await expect
      .poll(() =>
        react.evaluate((button) => getComputedStyle(button.parentElement ?? button).opacity),
      )
      .toBe('1')
    const size = await react.boundingBox()
    expect(size?.width).toBeGreaterThanOrEqual(40)
    await react.tap()
    await page.getByRole('button', { name: '🎉', exact: true }).tap()

    await touched.getByRole('button', { name: /🎉 1 by/ }).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await expectNoProblems(phone)
    await page.context().close()
  })
})

describe('a part of the page that fails to render', { timeout: 60_000 }, () => {
  it('is replaced by an error, leaves the rest usable, and renders after a retry', async () => {
    const context = await fixture.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' })
    const page = await context.newPage()
    await context.route(/\/Console-.*\.js/, (route) => route.abort())
    await logIn(page, fixture.urls.web, 'alice')

    await page.getByRole('link', { name: 'Console', exact: true }).click()
    const broken = page.getByRole('alert').filter({ hasText: 'Something went wrong' })
    await broken.getByRole('button', { name: 'Reload' }).waitFor()
    await expectAccessible(page)
    await page.locator('.room-link').first().click()
    await page.locator('#composer').waitFor()
    await page.getByRole('link', { name: 'Console', exact: true }).click()
    await broken.waitFor()
    await context.unroute(/\/Console-.*\.js/)
    await broken.getByRole('button', { name: 'Try again' }).click()

    await page.getByRole('region', { name: 'Console' }).waitFor()
    await context.close()
  })

  it('is rendered without cached messages after a retry, because they may be corrupt', async () => {
    const { page, problems } = alice
    const room = await givenRoom()
    await typeMessage(page, 'a fine message')
    await expect.poll(() => corruptCache(page, room)).toBe(true)
    // The page may have overwritten the corrupt cache while the room was open. So corrupt the cache
    // again while another room is open.
    const other = await givenRoom()
    await page.goto(`${fixture.urls.web}/r/${other}`)
    await field().waitFor()
    await expect.poll(() => corruptCache(page, room)).toBe(true)
    await page.goto(`${fixture.urls.web}/r/${room}`)

    const broken = page.getByRole('alert').filter({ hasText: 'Something went wrong' })
    await broken.waitFor({ timeout: 15_000 })
    expect(problems.join()).toMatch(/TypeError/)
    await broken.getByRole('button', { name: 'Try again' }).click()

    await message(page, 'a fine message').waitFor()
    problems.length = 0
  })

  it('causes no page errors but those that the tests above expect', () => expectNoProblems(alice))
})

/**
 * Corrupts the cached messages of the room: deletes their field `reactions`. Returns false if no
 * message is cached yet.
 */
async function corruptCache(page: Page, room: string): Promise<boolean> {
  return page.evaluate(async (key) => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const opening = indexedDB.open('natter-alice')
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('kept', 'readwrite')
      const store = transaction.objectStore('kept')
      const reading = store.get(key)
      reading.onsuccess = () => {
        const messages = reading.result?.messages ?? []
        for (const message of messages) delete message.reactions
        if (messages.length > 0) store.put(reading.result, key)
        transaction.oncomplete = () => resolve(messages.length > 0)
      }
    }
    const isCorrupted = await promise
    opening.result.close()
    return isCorrupted
  }, `room ${room}`)
}
