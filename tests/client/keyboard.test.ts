import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { type MessageId, toNotifyId, type UserId } from '#schema/ids'
import type { ConnId } from '#schema/messages/presence'
import {
  expectAccessible,
  expectNoProblems,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement
    const label = element?.getAttribute('aria-label') ?? element?.textContent ?? ''
    return `${element?.id || element?.tagName.toLowerCase()} ${label}`.trim()
  })

/** Selects by name, because the component library Kobalte adds other elements with the role log. */
const listOf = (page: Page) => page.getByRole('log', { name: /^Messages in/ })

async function tabTo(page: Page, name: RegExp, maxPresses = 60) {
  for (let left = maxPresses; left > 0; left--) {
    if (name.test(await focused(page))) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not lead to ${name}; it is at ${await focused(page)}`)
}

async function givenRoom(): Promise<string> {
  const { page } = alice
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await page.locator('body').press('Escape')
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await tabTo(page, /^button Create room$/)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Create room' }).waitFor()
  await tabTo(page, /^(?!button)\S+ ?$|input|name/i)
  await page.keyboard.type(room)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
  await bob.client.call('room.join', { room })
  return room
}

/** Creates rooms that are adjacent in alice's sidebar. */
async function givenRooms(count: number): Promise<string[]> {
  const name = `row-${crypto.randomUUID().slice(0, 8)}`
  const rooms = Array.from(
    { length: count },
    (_, index) => `${name}-${`${index}`.padStart(8, '0')}`,
  )
  for (const room of rooms) {
    await bob.client.call('room.create', { room, name: room, kind: 'private' })
    await fixture.inviteAndJoin(room, 'alice', bob)
    await alice.page.getByRole('link', { name: room }).waitFor()
  }
  return rooms
}

describe('the page, used by keyboard', { timeout: 120_000 }, () => {
  it('creates a room, sends a message, and switches rooms', async () => {
    const { page } = alice
    const first = await givenRoom()
    await expect.poll(() => focused(page)).toContain('composer')
    await page.keyboard.type('written by keys')
    await page.keyboard.press('Enter')
    await message(page, 'written by keys').waitFor()
    const second = await givenRoom()

    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Jump to' }).waitFor()
    await page.keyboard.type(first)
    const choice = page.getByRole('option', { name: first })
    await expect
      .poll(() => page.getByRole('combobox').getAttribute('aria-activedescendant'))
      .toBe(await choice.getAttribute('id'))
    await page.keyboard.press('Enter')

    await page.getByRole('heading', { level: 1, name: first }).waitFor()
    await message(page, 'written by keys').waitFor()
    expect(second).not.toBe(first)
    await expect.poll(() => focused(page)).toContain('composer')
  })

  it('moves to the next and previous room, and to unread rooms', async () => {
    const { page } = alice
    const [first, second, third, fourth] = (await givenRooms(4)) as [string, string, string, string]
    const isAt = (room: string) => page.getByRole('heading', { level: 1, name: room }).waitFor()
    await page.getByRole('link', { name: second }).click()
    await isAt(second)

    await page.keyboard.press('Alt+PageDown')
    await isAt(third)
    await page.keyboard.press('Alt+PageUp')
    await isAt(second)
    await page.keyboard.press('Alt+PageUp')
    await isAt(first)
    for (const room of [third, fourth]) await bob.send(room, 'unread')
    for (const room of [third, fourth])
      await page.getByRole('link', { name: new RegExp(`${room}.*1 unread`) }).waitFor()
    await page.keyboard.press('Alt+Shift+ArrowDown')
    await isAt(third)
    const unread = page.getByRole('link', { name: /unread/ })
    await unread.filter({ hasText: third }).waitFor({ state: 'detached' })
    await page.keyboard.press('Alt+Shift+ArrowDown')
    await isAt(fourth)
    await bob.send(second, 'unread')
    await page.getByRole('link', { name: new RegExp(`${second}.*1 unread`) }).waitFor()
    await page.keyboard.press('Alt+Shift+ArrowUp')
    await isAt(second)
  })

  it('marks one room or all rooms as read', async () => {
    const { page } = alice
    const [first, second, third] = (await givenRooms(3)) as [string, string, string]
    for (const room of [first, second, third]) await bob.send(room, 'unread')
    const unread = (room: string) => page.getByRole('link', { name: new RegExp(`${room}.*unread`) })
    for (const room of [first, second, third]) await unread(room).waitFor()
    await page.getByRole('link', { name: first }).focus()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe(`button Options for ${first}`)

    await page.keyboard.press('Enter')
    await page.getByRole('menu').waitFor()
    await expectAccessible(page)
    await page.getByRole('menuitem', { name: 'Mark as read' }).focus()
    await page.keyboard.press('Enter')
    await unread(first).waitFor({ state: 'detached' })
    await unread(second).waitFor()
    await page.keyboard.press('Shift+Escape')

    for (const room of [second, third]) await unread(room).waitFor({ state: 'detached' })
  })

  it('closes the side panel on Escape in the panel or in an empty composer', async () => {
    const { page } = alice
    const room = await givenRoom()
    const { id } = await bob.send(room, 'about this')
    await message(page, 'about this').waitFor()
    const panel = page.getByRole('region', { name: /^(Thread|Members)$/ })
    const openMembers = async () => {
      await page.getByRole('button', { name: 'Members', exact: true }).click()
      await panel.getByRole('listitem').first().waitFor()
    }

    await openMembers()
    await panel.getByRole('button', { name: 'Invite people' }).focus()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await expect.poll(() => focused(page)).toContain('composer')
    await openMembers()
    await page.locator('#composer').fill('half a')
    await page.keyboard.press('Escape')
    expect(await panel.count()).toBe(1)
    await page.locator('#composer').fill('')
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await page.evaluate((path) => history.pushState(null, '', path), `/r/${room}/t/${id}`)
    await page.evaluate(() => dispatchEvent(new PopStateEvent('popstate')))
    await expect.poll(() => focused(page)).toContain('thread-composer')
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
  })

  it('focuses a message, reacts to it, replies in its thread, and returns to the composer', async () => {
    const { page } = alice
    const room = await givenRoom()
    for (const text of ['one', 'two', 'three']) await bob.send(room, text)
    await message(page, 'three').waitFor()

    await page.locator('#composer').focus()
    await page.keyboard.press('Alt+ArrowUp')
    await expect.poll(() => focused(page)).toMatch(/^article .*three$/)
    await page.keyboard.press('ArrowUp')
    await expect.poll(() => focused(page)).toMatch(/^article .*two$/)

    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('button React')
    await page.keyboard.press('Enter')
    await tabTo(page, /🎉/)
    await page.keyboard.press('Enter')
    await message(page, 'two')
      .getByRole('button', { name: /🎉 1 by/ })
      .waitFor()
    await expect.poll(() => focused(page)).toBe('button React')

    await tabTo(page, /Reply in thread/)
    await page.keyboard.press('Enter')
    await expect.poll(() => focused(page)).toContain('thread-composer')
    await page.keyboard.type('an answer')
    await page.keyboard.press('Enter')
    const thread = page.getByRole('region', { name: 'Thread' })
    await thread.getByRole('article').filter({ hasText: 'an answer' }).waitFor()

    await listOf(page).first().getByRole('article').first().focus()
    await page.keyboard.press('Escape')
    await expect.poll(() => focused(page)).toMatch(/^composer/)
  })

  it('skips the buttons of unfocused messages when Tab is pressed', async () => {
    const { page } = alice
    const room = await givenRoom()
    for (let number = 0; number < 15; number++) await bob.send(room, `number ${number}.`)
    await message(page, 'number 14.').waitFor()

    await page.getByRole('button', { name: 'Members' }).focus()
    await tabTo(page, /^composer/, 6)
  })

  it('shows the tooltip of a focused button until Escape', async () => {
    const { page } = alice
    await givenRoom()

    await tabTo(page, /^button Browse rooms$/)
    const tip = page.getByRole('tooltip')
    expect(await tip.textContent()).toBe('Browse rooms')
    await page.keyboard.press('Escape')
    await tip.waitFor({ state: 'detached' })
  })

  it('restores the focus when a dialog closes', async () => {
    const { page } = alice
    await givenRoom()
    for (const keys of ['Control+k', 'Shift+?']) {
      await (keys === 'Shift+?' ? listOf(page) : page.locator('#composer')).focus()
      const before = await focused(page)
      await page.keyboard.press(keys)
      await page.getByRole('dialog').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await expect.poll(() => focused(page)).toBe(before)
    }
  })

  it('focuses a dialog that opens while another dialog closes', async () => {
    const { page } = alice
    await givenRoom()
    await page.getByRole('button', { name: 'Create room' }).click()
    await page.getByRole('dialog', { name: 'Create room' }).waitFor()

    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Jump to' }).waitFor()
    await page.getByRole('dialog', { name: 'Create room' }).waitFor({ state: 'detached' })

    await expect
      .poll(() =>
        page.getByRole('combobox').evaluate((element) => element === document.activeElement),
      )
      .toBe(true)
    await page.keyboard.press('Escape')
    await expectNoProblems(alice)
  })

  it('announces each new message to a screen reader, but no old message', async () => {
    const { page } = alice
    const room = await givenRoom()
    const announcer = page.locator('.announcer')

    await bob.send(room, 'can you **hear** me, @alice?')

    await announcer
      .getByText('Bob Brown: can you hear me, @Alice Adams?', { exact: true })
      .waitFor()
    const log = page.getByRole('log', { name: new RegExp(room) })
    expect(await log.getAttribute('aria-live')).toBe('off')
    await log.getByRole('article', { name: /^Bob Brown, .*: can you hear me, @Alice/ }).waitFor()
    await givenRoom()
    for (let number = 0; number < 60; number++) await bob.send(room, `old ${number}.`)
    await page.getByRole('link', { name: room }).click()
    await message(page, 'old 0.').waitFor()
    await page.getByRole('button', { name: /Jump to latest|new messages?$/ }).click()
    await message(page, 'old 59.').waitFor()
    await bob.send(room, 'that was all')
    await announcer.getByText('Bob Brown: that was all').waitFor()
    expect(await announcer.getByText(/old/).count()).toBe(0)
    const over = () => document.documentElement.scrollHeight - window.innerHeight
    expect(await page.evaluate(over)).toBe(0)
  })

  it('labels a message with a short text, its reactions and its replies', async () => {
    const { page } = alice
    const room = await givenRoom()
    const { id, seq } = await bob.send(room, `A \`long\` **one** ${'and on '.repeat(200)}`)
    await bob.reply(room, id, 'indeed')
    await bob.client.call('msg.react', {
      notifyId: toNotifyId({ id: id as MessageId, seq }),
      emoji: '🎉',
      on: true,
    })

    const label = () => listOf(page).first().getByRole('article').last().getAttribute('aria-label')
    await expect
      .poll(label)
      .toMatch(/^Bob Brown, [^:]+:\d\d.[AP]M: A long one and .*…, 🎉 1, 1 reply$/)
    expect((await label())?.length).toBeLessThan(400)
  })

  it('states a user’s presence status in text', async () => {
    const { page } = alice
    await bob.client.call('presence.heartbeat', { connId: crypto.randomUUID() as ConnId })
    await givenRoom()
    await bob.client.call('room.direct', { with: 'alice' as UserId })

    const link = page.getByRole('link', { name: /^Bob Brown/ })
    await link.click()
    await page.getByRole('link', { name: /^Bob Brown Online/ }).waitFor()
  })

  it.each(['light', 'dark'] as const)(
    'has no accessibility violation in the %s theme',
    async (colorScheme) => {
      const { page } = alice
      const room = await givenRoom()
      const { id } = await bob.send(room, 'Look at `this`')
      await bob.reply(room, id, 'I did')
      await page.emulateMedia({ colorScheme })
      await page.getByRole('button', { name: '1 reply' }).click()
      await page.getByRole('region', { name: 'Thread' }).waitFor()
      await expectAccessible(page)

      await page.getByRole('button', { name: 'Members' }).click()
      await page.getByRole('region', { name: 'Members' }).waitFor()
      await expectAccessible(page)
      for (const name of ['Browse rooms', 'Create room', 'New message']) {
        await page.getByRole('button', { name, exact: true }).click()
        await page.getByRole('dialog').waitFor()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
      for (const keys of ['Control+k', 'Shift+?']) {
        await listOf(page).focus()
        await page.keyboard.press(keys)
        await page.getByRole('dialog').waitFor()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
    },
  )

  it.each([
    ['in a right-to-left language', { locale: 'ar' }],
    ['on a phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ] as const)('has no accessibility violation %s', async (_, options) => {
    const context = await fixture.browser.newContext({ locale: 'en-US', ...options })
    const page = await context.newPage()
    await page.goto(fixture.urls.web)
    await page.locator('.landing-actions button').click()
    await page.getByLabel('Name', { exact: true }).fill('alice')
    await page.getByLabel('Password').fill('alice123')
    await page.keyboard.press('Enter')
    await page.locator('.room-link').first().waitFor()
    await expectAccessible(page)

    await page.locator('.room-link').first().click()
    await page.locator('#composer').waitFor()
    await expectAccessible(page)
    await page.locator('.room-head .icon-button').last().click()
    await page.getByRole('menu').waitFor()
    await expectAccessible(page)
    await context.close()
  })

  it('has no accessibility violation before the login and after a failed start', async () => {
    const context = await fixture.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' })
    const page = await context.newPage()
    await page.goto(fixture.urls.web)
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await expectAccessible(page)

    await page.route('**/config.json', (route) => route.abort())
    await page.reload()
    await page.getByText('Can’t reach Natter.').waitFor()
    await expectAccessible(page)
    await context.close()
  })

  it('shows no animation when reduced motion is preferred', async () => {
    const { page } = alice
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await givenRoom()
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor()

    const moving = await page.evaluate(() =>
      document
        .getAnimations()
        .map(({ effect }) => Number(effect?.getComputedTiming().duration ?? 0))
        .filter((ms) => ms > 1),
    )
    expect(moving).toEqual([])
    const style = await page
      .locator('.dialog')
      .evaluate((dialog) => getComputedStyle(dialog).animationDuration)
    expect(Number.parseFloat(style)).toBeLessThan(0.001)
    await page.keyboard.press('Escape')
    await page.emulateMedia({ reducedMotion: null })
  })
})
