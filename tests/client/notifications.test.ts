import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import {
  createRoom,
  expectAccessible,
  goTo,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

interface ShownNotification {
  title: string
  body: string
  renotify: boolean
}
interface WatchedNotifications {
  shown: ShownNotification[]
  notifications: Notification[]
}

function watchNotifications() {
  const shown: ShownNotification[] = []
  const notifications: Notification[] = []
  const Recording = class extends Notification {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options)
      const { body = '', renotify = false } = options as { body?: string; renotify?: boolean }
      shown.push({ title, body, renotify })
      notifications.push(this)
    }
  }
  Object.assign(window, {
    Notification: Recording,
    watched: { shown, notifications } satisfies WatchedNotifications,
  })
}

const shownBy = (page: Page): Promise<ShownNotification[]> =>
  page.evaluate(() => (window as unknown as { watched: WatchedNotifications }).watched.shown)

async function setFocused(page: Page, isFocused: boolean) {
  await page.evaluate((hasFocus) => {
    document.hasFocus = () => hasFocus
    window.dispatchEvent(new Event(hasFocus ? 'focus' : 'blur'))
  }, isFocused)
}

async function bodiesOf(pages: Page[]): Promise<string[]> {
  const all = await Promise.all(pages.map(shownBy))
  return all.flat().map(({ body }) => body)
}

/** Sets the visibility by hand, because a headless browser reports every tab as visible. */
async function setVisible(page: Page, isVisible: boolean) {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    isVisible ? 'visible' : 'hidden',
  )
}

const fixture = useClientFixture({
  findBrowser: findChromium,
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice', { permissions: ['notifications'] })
    await alice.page.context().addInitScript(watchNotifications)
    await alice.page.reload()
    await alice.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  },
})

async function givenRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  await alice.page.getByRole('link', { name: room }).waitFor()
  return room
}

async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(fixture.urls.web + path)
  await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  return page
}

async function chooseLevel(page: Page, room: string, level: string) {
  await goTo(page, fixture.urls.web, room)
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitemradio', { name: level }).click()
  await goTo(page, fixture.urls.web, 'nowhere')
  await page.getByRole('heading', { name: 'Not found' }).waitFor()
}

/**
 * Sends a mention, and waits for its notification. The pages have then processed all earlier
 * messages.
 */
async function sendSentinel(pages: Page[], room: string) {
  const last = `last-${crypto.randomUUID().slice(0, 8)}`
  await bob.send(room, `@alice ${last}`)
  await expect.poll(async () => (await bodiesOf(pages)).join()).toContain(last)
}

describe('notifications', { timeout: 60_000 }, () => {
  it('announce a mention, and open the message on click', async () => {
    const room = await givenRoom()
    await goTo(alice.page, fixture.urls.web, 'nowhere')
    const quiet = `nobody in particular ${room}`
    await bob.send(room, quiet)
    const { id } = await bob.send(room, `@alice, **look** ${room}`)

    await expect
      .poll(async () => (await shownBy(alice.page)).at(-1))
      .toEqual({
        title: `Bob Brown · ${room}`,
        body: `@Alice Adams, look ${room}`,
        renotify: true,
      })
    expect((await shownBy(alice.page)).map(({ body }) => body)).not.toContain(quiet)
    await alice.page.evaluate(() => {
      const { notifications } = (window as unknown as { watched: WatchedNotifications }).watched
      notifications.at(-1)?.dispatchEvent(new Event('click'))
    })
    await alice.page.locator('article[aria-current="location"]').getByText(`look ${room}`).waitFor()
    expect(new URL(alice.page.url()).pathname).toBe(`/r/${room}/m/${id}`)
  })

  it('contain the full names of mentioned users, even if the names were not loaded before', async () => {
    const room = await givenRoom()
    const { page } = await fixture.open('alice', { permissions: ['notifications'] })
    await page.evaluate(watchNotifications)
    await page.getByRole('link', { name: room }).waitFor()
    await fixture.inviteAndJoin(room, 'charlie', bob)

    await bob.send(room, '@alice, @charlie and @nobody, look')

    await expect
      .poll(async () => (await shownBy(page)).at(-1)?.body)
      .toBe('@Alice Adams, @Charlie Clark and @nobody, look')
    await page.context().close()
  })

  it('follow the notification level that is chosen for each room', async () => {
    const [loud, still] = [await givenRoom(), await givenRoom()]
    await chooseLevel(alice.page, loud, 'All messages')
    await chooseLevel(alice.page, still, 'Nothing')

    await bob.send(still, `@alice, in ${still}`)
    await bob.send(loud, `to all in ${loud}`)
    await sendSentinel([alice.page], loud)

    const bodies = (await shownBy(alice.page)).map(({ body }) => body)
    expect(bodies).toContain(`to all in ${loud}`)
    expect(bodies.join()).not.toContain(still)
    await alice.page.getByRole('link', { name: new RegExp(`${still}.*muted`) }).waitFor()
  })

  it('appear once per message, even if many hidden tabs are open', async () => {
    const room = await givenRoom()
    const others = [
      await openTab(alice.page.context(), '/'),
      await openTab(alice.page.context(), `/r/${room}`),
      await openTab(alice.page.context(), '/'),
    ]
    const tabs = [alice.page, ...others]
    for (const tab of tabs) await setVisible(tab, false)

    const sent = ['first', 'second', 'third'].map((word) => `@alice ${word} in ${room}`)
    for (const text of sent) await bob.send(room, text)

    const shown = sent.map((text) => text.replace('@alice', '@Alice Adams'))
    const mine = async () => (await bodiesOf(tabs)).filter((body) => body.includes(room))
    await expect.poll(async () => (await mine()).length).toBeGreaterThanOrEqual(3)
    // A tab that counts the messages as unread has processed them, so it shows no further
    // notification of them.
    for (const tab of tabs)
      await tab.getByRole('link', { name: new RegExp(`${room}.*3 unread`) }).waitFor()
    expect((await mine()).toSorted()).toEqual(shown.toSorted())
    for (const tab of others) await tab.close()
    await setVisible(alice.page, true)
  })

  it('do not appear while a tab shows the room', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const tab = await openTab(alice.page.context(), `/r/${room}`)
    await tab.locator('#composer').waitFor()
    await goTo(alice.page, fixture.urls.web, 'nowhere')
    await setVisible(alice.page, false)

    await bob.send(room, `@alice, you see ${room}`)
    await sendSentinel([alice.page, tab], other)

    expect((await bodiesOf([alice.page, tab])).join()).not.toContain(room)
    await tab.close()
    await setVisible(alice.page, true)
  })

  it('appear for an open room while another window has the focus', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    await page.getByRole('link', { name: room }).click()
    await page.locator('#composer').waitFor()
    await bob.send(room, `@alice, seen in ${room}`)
    await sendSentinel([page], other)
    expect((await bodiesOf([page])).join()).not.toContain(room)

    await setFocused(page, false)
    await bob.send(room, `@alice, beside ${room}`)

    await expect.poll(async () => (await bodiesOf([page])).join()).toContain(`beside ${room}`)
    await setFocused(page, true)
  })

  it('announce replies in threads that the user started or replied in, and mentions in any thread', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    const { client } = bob
    const bodies = async () => (await bodiesOf([page])).join()
    await page.getByRole('link', { name: room }).click()
    await typeMessage(page, 'mine to begin')
    const his = await bob.send(room, 'his to begin')
    await message(page, 'mine to begin').waitFor()
    const history = () => client.call('chat.history', { room })
    await expect.poll(async () => (await history()).messages.length).toBe(2)
    const mine = (await history()).messages.find(({ text }) => text === 'mine to begin')
    await bob.reply(room, his.id, `of no concern in ${room}`)
    await bob.reply(room, mine?.id ?? '', `to what began in ${room}`)
    await expect.poll(bodies).toContain(`to what began in ${room}`)

    await goTo(page, fixture.urls.web, `${room}/t/${his.id}`)
    const panel = page.getByRole('region', { name: 'Thread' })
    await panel.getByRole('textbox').fill('I write here')
    await panel.getByRole('textbox').press('Enter')
    await panel.getByRole('article').filter({ hasText: 'I write here' }).waitFor()
    await bob.reply(room, his.id, `while it is seen in ${room}`)
    await panel.getByText(`while it is seen in ${room}`).waitFor()
    await goTo(page, fixture.urls.web, other)
    await page.getByRole('heading', { level: 1, name: other }).waitFor()
    await bob.reply(room, his.id, `to what was written in ${room}`)
    await expect.poll(bodies).toContain(`to what was written in ${room}`)
    const third = await bob.send(room, 'a third one')
    await bob.reply(room, third.id, '@alice, in a thread')

    const counted = new RegExp(`${room}.*4 unread.*1 mention`)
    await page.getByRole('link', { name: counted }).waitFor()
    expect(await bodies()).not.toContain(`of no concern in ${room}`)
    expect(await bodies()).not.toContain(`while it is seen in ${room}`)
    await page.reload()
    await page.getByRole('link', { name: counted }).waitFor()
  })

  it('announce missed mentions once after a reconnect', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    await goTo(page, fixture.urls.web, 'nowhere')
    const tabs = [page, await openTab(page.context(), '/')]
    await page.context().setOffline(true)
    for (const tab of tabs) await tab.getByText('Connection lost.').waitFor()
    for (const word of ['first', 'second']) await bob.send(room, `@alice, the ${word}`)
    await bob.send(other, 'for nobody')

    await page.context().setOffline(false)

    for (const tab of tabs)
      await tab
        .getByRole('link', { name: new RegExp(`${room}.*2 mentions`) })
        .waitFor({ timeout: 15_000 })
    await sendSentinel(tabs, other)
    const all = (await Promise.all(tabs.map(shownBy))).flat()
    const ofRoom = all.filter(({ title }) => title === room)
    expect(ofRoom.map(({ body }) => body)).toEqual(['2 mentions'])
    await tabs[1]?.close()
  })

  it('pause while the status is do not disturb, and resume afterwards', async () => {
    const room = await givenRoom()
    const { page } = alice
    await goTo(page, fixture.urls.web, 'nowhere')
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Do not disturb' }).hover()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).click()
    await page.getByRole('button', { name: /Do not disturb until/ }).waitFor()

    await bob.send(room, `@alice, disturbed in ${room}`)
    await page.getByRole('link', { name: new RegExp(`${room}.*1 mention`) }).waitFor()
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitemradio', { name: 'Online' }).click()
    await page.getByRole('button', { name: /Alice Adams\s*Online/ }).waitFor()
    await sendSentinel([page], room)

    expect((await shownBy(page)).map(({ body }) => body).join()).not.toContain('disturbed')
  })

  it('add a number to the page’s title and a dot to the page’s icon until the messages are read', async () => {
    const room = await givenRoom()
    const { page } = alice
    const icon = () => page.locator('link[rel="icon"]').getAttribute('href')
    await goTo(page, fixture.urls.web, 'nowhere')

    await bob.send(room, '@alice, for the title')
    await page.getByRole('link', { name: new RegExp(`${room}.*1 mention`) }).waitFor()

    await expect.poll(() => page.title()).toMatch(/^\(\d+\) /)
    expect(await icon()).toBe('/icon-unread.svg')
    const calling = page.getByRole('link', { name: /mention/ })
    const readNext = async () => {
      const count = await calling.count()
      if (count > 0) await calling.first().click()
      return count
    }
    await expect.poll(readNext, { timeout: 40_000 }).toBe(0)
    await expect.poll(() => page.title()).not.toMatch(/^\(/)
    expect(await icon()).toBe('/icon.svg')
  })

  it('request the browser’s permission only on click, and explain a denial', async () => {
    const { page } = await fixture.open('bob')
    await page.context().addInitScript(() => {
      const asked: number[] = []
      let permission = 'default'
      Object.defineProperty(Notification, 'permission', { get: () => permission })
      Notification.requestPermission = async () => {
        asked.push(Date.now())
        permission = 'denied'
        return 'denied'
      }
      Object.assign(window, { asked })
    })
    await page.reload()
    const asked = () => page.evaluate(() => (window as unknown as { asked: number[] }).asked.length)
    await createRoom(page, 'private')
    await page.getByRole('button', { name: /Bob Brown/ }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    await dialog.getByText('Notifications are off in this browser.').waitFor()
    expect(await asked()).toBe(0)

    await dialog.getByRole('button', { name: 'Turn on notifications' }).click()

    await dialog.getByText('Notifications are blocked.').waitFor()
    expect(await asked()).toBe(1)
    await page.context().close()
  })

  it('have a settings dialog without accessibility violations', async () => {
    const room = await givenRoom()
    const { page } = alice
    await chooseLevel(page, room, 'All messages')
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    await page.getByRole('combobox', { name: new RegExp(`Notify me about ${room}`) }).waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: room }).click()

    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menuitemradio', { name: 'All messages', checked: true }).waitFor()

    await expectAccessible(page)
    await page.keyboard.press('Escape')
  })

  it('follow the notification level that was chosen in another tab or before a reload', async () => {
    const room = await givenRoom()
    const tab = await openTab(alice.page.context(), '/')
    await chooseLevel(alice.page, room, 'Nothing')

    await tab.getByRole('link', { name: new RegExp(`${room}.*muted`) }).waitFor()
    await alice.page.reload()
    await alice.page.getByRole('link', { name: new RegExp(`${room}.*muted`) }).waitFor()
    await tab.close()
  })
})
