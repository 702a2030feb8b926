import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import type { Visitor } from '../support/client-fixture.ts'
import { useOfflineFixture } from '../support/offline-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let laptop: Visitor
let phone: Visitor
let alice: TestUser
let room: RoomId

/** Opens two browsers of alice, which share only her account. */
const fixture = useOfflineFixture(async ({ open, connect }) => {
  alice = await connect('alice')
  room = `room-${crypto.randomUUID().slice(0, 8)}` as RoomId
  await alice.client.call('room.create', { room, name: room, kind: 'public' })
  laptop = await open('alice')
  phone = await open('alice')
})

const readPrefs = async () => (await alice.client.call('prefs.get', {})).prefs

const mutedLink = (page: Page) => page.getByRole('link', { name: new RegExp(`${room}.*muted`) })

async function chooseLevel(page: Page, level: string) {
  await page.getByRole('link', { name: room }).hover()
  await page.getByRole('button', { name: `Options for ${room}` }).click()
  await page.getByRole('menuitemradio', { name: level }).click()
  await page.keyboard.press('Escape')
}

describe('preferences of the account', { timeout: 90_000 }, () => {
  it('mute a room in another browser at once, and after a reload', async () => {
    await chooseLevel(laptop.page, 'Nothing')

    await mutedLink(phone.page).waitFor()
    await phone.page.reload()
    await mutedLink(phone.page).waitFor()
    expect((await readPrefs()).rooms).toEqual({ [room]: 'none' })
  })

  it('can be changed offline, and are sent after the reconnect', async () => {
    const { page } = phone
    fixture.network.cut()
    await page.getByText('Connection lost.').waitFor()
    await chooseLevel(page, 'All messages')
    await mutedLink(page).waitFor({ state: 'detached' })
    fixture.network.restore()

    await mutedLink(laptop.page).waitFor({ state: 'detached', timeout: 30_000 })
    expect((await readPrefs()).rooms).toEqual({ [room]: 'all' })
  })

  it('turn “Do not disturb” on and off in another browser', async () => {
    await laptop.page.locator('.me').click()
    await laptop.page.getByRole('menuitem', { name: 'Do not disturb' }).click()
    await laptop.page.getByRole('menuitem', { name: 'For 1 hour' }).click()

    const until = /Do not disturb until/
    await laptop.page.locator('.me-status').filter({ hasText: until }).waitFor()
    await phone.page.locator('.me-status').filter({ hasText: until }).waitFor()
    await phone.page.locator('.me').click()
    await phone.page.getByRole('menuitemradio', { name: 'Online' }).click()
    await laptop.page.locator('.me-status').filter({ hasText: 'Online' }).waitFor()
    await expect.poll(async () => (await readPrefs()).status).toEqual({ status: 'online' })
  })

  it('change the language of another browser', async () => {
    await laptop.page.locator('.me').click()
    await laptop.page.getByRole('menuitem', { name: 'Settings' }).click()
    await laptop.page.getByRole('dialog').getByRole('combobox').first().selectOption('de')
    await laptop.page.keyboard.press('Escape')

    await phone.page.getByRole('heading', { name: 'Räume', exact: true }).waitFor()
    await alice.client.call('prefs.set', { language: 'en' })
    for (const { page } of [laptop, phone])
      await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  })

  it('are taken over from the browser, where an earlier version stored them, unless the account has its own values', async () => {
    const { page } = phone
    const none = { language: null, notify: null, status: null }
    await alice.client.call('prefs.set', { ...none, rooms: { [room]: 'all' } })
    const until = Date.now() + 3_600_000
    await page.goto(`${fixture.urls.web}/config.json`)
    await page.evaluate(
      ([id, end]) => {
        const stored = {
          'natter alice notify': { everywhere: 'none', rooms: { [id]: 'none', other: 'mentions' } },
          'natter alice status': { status: 'busy', until: end },
          'natter-settings': { language: 'zh' },
        }
        localStorage.removeItem('natter alice prefs')
        for (const [key, value] of Object.entries(stored))
          localStorage.setItem(key, JSON.stringify(value))
      },
      [room, until] as const,
    )

    await page.goto(fixture.urls.web)

    await expect.poll(readPrefs).toEqual({
      language: 'zh',
      notify: 'none',
      rooms: { [room]: 'all', other: 'mentions' },
      status: { status: 'busy', until },
    })
    await laptop.page.getByRole('heading', { name: '聊天室', exact: true }).waitFor()
    expect(await page.evaluate(() => localStorage.getItem('natter alice notify'))).toBeNull()
  })
})
