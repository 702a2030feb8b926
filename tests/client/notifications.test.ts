import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  createClientFixture,
  expectAccessible,
  goTo,
  makeRoom,
  message,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let ground: ClientFixture
let alice: Visitor
let bobSpeaks: TestUser

/** What a page has told of: kept for the test, and shown all the same. */
interface Told {
  title: string
  body: string
  renotify: boolean
}
interface Watched {
  told: Told[]
  notifications: Notification[]
}

/** Keeps the notifications that a page shows. */
function watchNotifications() {
  const told: Told[] = []
  const notifications: Notification[] = []
  const Shown = class extends Notification {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options)
      const { body = '', renotify = false } = options as { body?: string; renotify?: boolean }
      told.push({ title, body, renotify })
      notifications.push(this)
    }
  }
  Object.assign(window, { Notification: Shown, watched: { told, notifications } satisfies Watched })
}

const toldTo = (page: Page): Promise<Told[]> =>
  page.evaluate(() => (window as unknown as { watched: Watched }).watched.told)

/** The same for what a page hears of another window that has the focus. */
async function setFocused(page: Page, isFocused: boolean) {
  await page.evaluate((hasFocus) => {
    document.hasFocus = () => hasFocus
    window.dispatchEvent(new Event(hasFocus ? 'focus' : 'blur'))
  }, isFocused)
}

/** What all tabs of somebody have shown together. */
async function toldToAll(pages: Page[]): Promise<string[]> {
  const all = await Promise.all(pages.map(toldTo))
  return all.flat().map(({ body }) => body)
}

/** A browser without a screen shows all its pages: what a page hears of being hidden is said here. */
async function setVisible(page: Page, isVisible: boolean) {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    isVisible ? 'visible' : 'hidden',
  )
}

beforeAll(async () => {
  ground = await createClientFixture({ RATE_LIMIT_FACTOR: '100' })
  bobSpeaks = await createTestUser(ground.urls, 'bob')
  alice = await ground.open('alice', { permissions: ['notifications'] })
  await alice.page.context().addInitScript(watchNotifications)
  await alice.page.reload()
  await alice.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
}, 120_000)
afterAll(async () => {
  await bobSpeaks?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

/** A room of bob's that alice is in, and does not look at. */
async function givenRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bobSpeaks.client.call('room.create', { room, name: room, kind: 'private' })
  await bobSpeaks.client.call('room.invite', { room, userId: 'alice' })
  await alice.page.getByRole('link', { name: room }).waitFor()
  return room
}

/** Another tab of the same browser. */
async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(5_000)
  await page.goto(ground.urls.web + path)
  await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
  return page
}

async function choose(page: Page, room: string, level: string) {
  await goTo(page, ground.urls.web, room)
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitemradio', { name: level }).click()
  await goTo(page, ground.urls.web, 'nowhere')
  await page.getByRole('heading', { name: 'Not found' }).waitFor()
}

/** Says something that is told after all that was said before: then all of that has been judged. */
async function sayLast(pages: Page[], room: string) {
  const last = `last-${crypto.randomUUID().slice(0, 8)}`
  await bobSpeaks.send(room, `@alice ${last}`)
  await expect.poll(async () => (await toldToAll(pages)).join()).toContain(last)
}

describe('notifications', { timeout: 60_000 }, () => {
  it('tell of what names somebody, and lead to it', async () => {
    const room = await givenRoom()
    await goTo(alice.page, ground.urls.web, 'nowhere')
    const quiet = `nobody in particular ${room}`
    await bobSpeaks.send(room, quiet)
    const { id } = await bobSpeaks.send(room, `@alice, **look** ${room}`)

    await expect
      .poll(async () => (await toldTo(alice.page)).at(-1))
      .toEqual({
        title: `Bob Brown · ${room}`,
        body: `@Alice Adams, look ${room}`,
        renotify: true,
      })
    expect((await toldTo(alice.page)).map(({ body }) => body)).not.toContain(quiet)
    await alice.page.evaluate(() => {
      const { notifications } = (window as unknown as { watched: Watched }).watched
      notifications.at(-1)?.dispatchEvent(new Event('click'))
    })
    await alice.page.locator('article[aria-current="location"]').getByText(`look ${room}`).waitFor()
    expect(new URL(alice.page.url()).pathname).toBe(`/r/${room}/m/${id}`)
  })

  it('call people by their names, also those that were not seen here before', async () => {
    const room = await givenRoom()
    const { page } = await ground.open('alice', { permissions: ['notifications'] })
    await page.evaluate(watchNotifications)
    await page.getByRole('link', { name: room }).waitFor()

    await bobSpeaks.send(room, '@alice, @charlie and @nobody, look')

    await expect
      .poll(async () => (await toldTo(page)).at(-1)?.body)
      .toBe('@Alice Adams, @Charlie Clark and @nobody, look')
    await page.context().close()
  })

  it('tell of everything in one room and of nothing in another, as somebody chose', async () => {
    const [loud, still] = [await givenRoom(), await givenRoom()]
    await choose(alice.page, loud, 'All messages')
    await choose(alice.page, still, 'Nothing')

    await bobSpeaks.send(still, `@alice, in ${still}`)
    await bobSpeaks.send(loud, `to all in ${loud}`)
    await sayLast([alice.page], loud)

    const told = (await toldTo(alice.page)).map(({ body }) => body)
    expect(told).toContain(`to all in ${loud}`)
    expect(told.join()).not.toContain(still)
    await alice.page.getByRole('link', { name: new RegExp(`${still}.*muted`) }).waitFor()
  })

  it('are one for many tabs that nobody looks at', async () => {
    const room = await givenRoom()
    const others = [
      await openTab(alice.page.context(), '/'),
      await openTab(alice.page.context(), `/r/${room}`),
      await openTab(alice.page.context(), '/'),
    ]
    const tabs = [alice.page, ...others]
    for (const tab of tabs) await setVisible(tab, false)

    const said = ['first', 'second', 'third'].map((word) => `@alice ${word} in ${room}`)
    for (const text of said) await bobSpeaks.send(room, text)

    const shown = said.map((text) => text.replace('@alice', '@Alice Adams'))
    const mine = async () => (await toldToAll(tabs)).filter((body) => body.includes(room))
    await expect.poll(async () => (await mine()).length).toBeGreaterThanOrEqual(3)
    // Each tab has judged all of it once it counts it as unread.
    for (const tab of tabs)
      await tab.getByRole('link', { name: new RegExp(`${room}.*3 unread`) }).waitFor()
    expect((await mine()).toSorted()).toEqual(shown.toSorted())
    for (const tab of others) await tab.close()
    await setVisible(alice.page, true)
  })

  it('are none while a tab shows the room', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const tab = await openTab(alice.page.context(), `/r/${room}`)
    await tab.locator('#composer').waitFor()
    await goTo(alice.page, ground.urls.web, 'nowhere')
    await setVisible(alice.page, false)

    await bobSpeaks.send(room, `@alice, you see ${room}`)
    await sayLast([alice.page, tab], other)

    expect((await toldToAll([alice.page, tab])).join()).not.toContain(room)
    await tab.close()
    await setVisible(alice.page, true)
  })

  it('are shown to who sees the room, and works in another window', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    await page.getByRole('link', { name: room }).click()
    await page.locator('#composer').waitFor()
    await bobSpeaks.send(room, `@alice, seen in ${room}`)
    await sayLast([page], other)
    expect((await toldToAll([page])).join()).not.toContain(room)

    await setFocused(page, false)
    await bobSpeaks.send(room, `@alice, beside ${room}`)

    await expect.poll(async () => (await toldToAll([page])).join()).toContain(`beside ${room}`)
    await setFocused(page, true)
  })

  it('tell of a thread that somebody began or wrote in, and of who names them in any', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    const { client } = bobSpeaks
    const bodies = async () => (await toldToAll([page])).join()
    await page.getByRole('link', { name: room }).click()
    await typeMessage(page, 'mine to begin')
    const his = await bobSpeaks.send(room, 'his to begin')
    await message(page, 'mine to begin').waitFor()
    const said = () => client.call('chat.history', { room })
    await expect.poll(async () => (await said()).messages.length).toBe(2)
    const mine = (await said()).messages.find(({ text }) => text === 'mine to begin')
    await bobSpeaks.reply(room, his.id, `of no concern in ${room}`)
    await bobSpeaks.reply(room, mine?.id ?? '', `to what began in ${room}`)
    await expect.poll(bodies).toContain(`to what began in ${room}`)

    await goTo(page, ground.urls.web, `${room}/t/${his.id}`)
    const panel = page.getByRole('region', { name: 'Thread' })
    await panel.getByRole('textbox').fill('I write here')
    await panel.getByRole('textbox').press('Enter')
    await panel.getByRole('article').filter({ hasText: 'I write here' }).waitFor()
    await bobSpeaks.reply(room, his.id, `while it is seen in ${room}`)
    await panel.getByText(`while it is seen in ${room}`).waitFor()
    await goTo(page, ground.urls.web, other)
    await page.getByRole('heading', { level: 1, name: other }).waitFor()
    await bobSpeaks.reply(room, his.id, `to what was written in ${room}`)
    await expect.poll(bodies).toContain(`to what was written in ${room}`)
    const third = await bobSpeaks.send(room, 'a third one')
    await bobSpeaks.reply(room, third.id, '@alice, in a thread')

    const counted = new RegExp(`${room}.*2 unread.*1 mention`)
    await page.getByRole('link', { name: counted }).waitFor()
    expect(await bodies()).not.toContain(`of no concern in ${room}`)
    expect(await bodies()).not.toContain(`while it is seen in ${room}`)
    await page.reload()
    await page.getByRole('link', { name: counted }).waitFor()
  })

  it('tell once of what named somebody while the connection was away', async () => {
    const [room, other] = [await givenRoom(), await givenRoom()]
    const { page } = alice
    await goTo(page, ground.urls.web, 'nowhere')
    const tabs = [page, await openTab(page.context(), '/')]
    await page.context().setOffline(true)
    for (const tab of tabs) await tab.getByText('Connection lost.').waitFor()
    for (const word of ['first', 'second']) await bobSpeaks.send(room, `@alice, the ${word}`)
    await bobSpeaks.send(other, 'for nobody')

    await page.context().setOffline(false)

    for (const tab of tabs)
      await tab
        .getByRole('link', { name: new RegExp(`${room}.*2 mentions`) })
        .waitFor({ timeout: 15_000 })
    await sayLast(tabs, other)
    const all = (await Promise.all(tabs.map(toldTo))).flat()
    const told = all.filter(({ title }) => title === room)
    expect(told.map(({ body }) => body)).toEqual(['2 mentions'])
    await tabs[1]?.close()
  })

  it('are none while somebody shall not be disturbed, and come again when that ends', async () => {
    const room = await givenRoom()
    const { page } = alice
    await goTo(page, ground.urls.web, 'nowhere')
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitem', { name: 'Do not disturb' }).hover()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).click()
    await page.getByRole('button', { name: /Do not disturb until/ }).waitFor()

    await bobSpeaks.send(room, `@alice, disturbed in ${room}`)
    await page.getByRole('link', { name: new RegExp(`${room}.*1 mention`) }).waitFor()
    await page.getByRole('button', { name: /^Alice Adams/ }).click()
    await page.getByRole('menuitemradio', { name: 'Online' }).click()
    await page.getByRole('button', { name: /Alice Adams\s*Online/ }).waitFor()
    await sayLast([page], room)

    expect((await toldTo(page)).map(({ body }) => body).join()).not.toContain('disturbed')
  })

  it('stand in the title and on the tab until they are read', async () => {
    const room = await givenRoom()
    const { page } = alice
    const icon = () => page.locator('link[rel="icon"]').getAttribute('href')
    await goTo(page, ground.urls.web, 'nowhere')

    await bobSpeaks.send(room, '@alice, for the title')
    await page.getByRole('link', { name: new RegExp(`${room}.*1 mention`) }).waitFor()

    await expect.poll(() => page.title()).toMatch(/^\(\d+\) /)
    expect(await icon()).toBe('/icon-unread.svg')
    const calling = page.getByRole('link', { name: /mention/ })
    const readNext = async () => {
      const count = await calling.count()
      if (count > 0) await calling.first().click()
      return count
    }
    // There is one in most of the rooms above.
    await expect.poll(readNext, { timeout: 40_000 }).toBe(0)
    await expect.poll(() => page.title()).not.toMatch(/^\(/)
    expect(await icon()).toBe('/icon.svg')
  })

  it('are asked for only by a click, and a refusal is explained', async () => {
    const { page } = await ground.open('bob')
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
    await makeRoom(page, 'private')
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

  it('are chosen with nothing in the way of people with disabilities', async () => {
    const room = await givenRoom()
    const { page } = alice
    await choose(page, room, 'All messages')
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

  it('are chosen for all tabs at once, and for the next visit', async () => {
    const room = await givenRoom()
    const tab = await openTab(alice.page.context(), '/')
    await choose(alice.page, room, 'Nothing')

    await tab.getByRole('link', { name: new RegExp(`${room}.*muted`) }).waitFor()
    await alice.page.reload()
    await alice.page.getByRole('link', { name: new RegExp(`${room}.*muted`) }).waitFor()
    await tab.close()
  })
})
