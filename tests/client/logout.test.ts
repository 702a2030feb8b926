import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  createClientFixture,
  logIn,
  makeRoom,
  message,
  readLocalStore,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let ground: ClientFixture
let bobSpeaks: TestUser

beforeAll(async () => {
  ground = await createClientFixture({ RATE_LIMIT_FACTOR: '100' })
  bobSpeaks = await createTestUser(ground.urls, 'bob')
}, 120_000)
afterAll(async () => {
  await bobSpeaks?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

/** Alice with a room open in two tabs of one browser. */
async function givenTwoTabs(): Promise<Visitor & { other: Page; room: string }> {
  const visitor = await ground.open('alice')
  const room = await makeRoom(visitor.page, 'private')
  await typeMessage(visitor.page, `kept in ${room}`)
  const other = await openTab(visitor.page.context(), `/r/${room}`)
  await message(other, `kept in ${room}`).waitFor()
  return { ...visitor, other, room }
}

async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(5_000)
  await page.goto(ground.urls.web + path)
  return page
}

async function logOut(page: Page): Promise<void> {
  await page.locator('.me').click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
}

describe('leaving', { timeout: 60_000 }, () => {
  it('is for all tabs of a browser, and none of them keeps anything afterwards', async () => {
    const { page, other, room } = await givenTwoTabs()

    await logOut(page)

    await other.getByText('You’re logged out.').waitFor()
    expect(await other.getByRole('article').count()).toBe(0)
    // What a tab still had to write, it would write when it closes.
    await other.close()
    const kept = await readLocalStore(page)
    expect(kept).not.toContain('alice')
    expect(kept).not.toContain(room)
    await page.context().close()
  })

  it('ends with the tabs of whoever was here before somebody else logged in', async () => {
    const { page, other, room } = await givenTwoTabs()
    await other.locator('#composer').fill('not sent yet')
    await page.context().clearCookies()
    await page.close()
    const next = await other.context().newPage()
    next.setDefaultTimeout(5_000)

    await logIn(next, ground.urls.web, 'bob')

    await other.getByText('Your session has ended.').waitFor()
    await other.close()
    await expect.poll(() => readLocalStore(next)).not.toContain(`kept in ${room}`)
    expect(await readLocalStore(next)).toContain('not sent yet')
    await logOut(next)
    await logIn(next, ground.urls.web, 'alice')
    await next.goto(`${ground.urls.web}/r/${room}`)
    await message(next, `kept in ${room}`).waitFor()
    expect(await next.locator('#composer').inputValue()).toBe('not sent yet')
    await next.context().close()
  })

  it('asks first where something was written that nobody else has', async () => {
    const { page } = await ground.open('alice')
    const room = await makeRoom(page, 'private')
    await page.context().setOffline(true)
    await typeMessage(page, `waits in ${room}`)
    await message(page, `waits in ${room}`).waitFor()

    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()

    const dialog = page.getByRole('dialog', { name: 'Log out and discard' })
    await dialog.getByText('1 message hasn’t been sent yet.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await readLocalStore(page)).toContain(`waits in ${room}`)
    await page.context().setOffline(false)
    await expect.poll(() => readLocalStore(page), { timeout: 15_000 }).not.toContain('outgoing ')
    await message(page, `waits in ${room}`).waitFor()
    await logOut(page)
    await page.context().close()
  })

  it('holds also without a network: nobody is shown what another tab has forgotten', async () => {
    const { page, other, room } = await givenTwoTabs()
    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await page.context().setOffline(true)
    await page.reload()
    await message(page, `kept in ${room}`).waitFor()

    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()

    await page.getByText('Can’t reach Natter.').waitFor()
    await other.getByText('You’re logged out.').waitFor()
    expect(await readLocalStore(page)).not.toContain(room)
    await page.context().close()
  })
})

describe('a notification of a browser that tells by its worker', { timeout: 60_000 }, () => {
  it('leads to what it tells of', async () => {
    const { page } = await ground.open('alice', { permissions: ['notifications'] })
    const context = page.context()
    // So it is on phones.
    await context.addInitScript(() => {
      const Refusing = class {
        static permission = 'granted'
        constructor() {
          throw new TypeError('Illegal constructor')
        }
      }
      Object.assign(window, { Notification: Refusing })
    })
    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await page.goto(`${ground.urls.web}/console/traces`)
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bobSpeaks.client.call('room.create', { room, name: room, kind: 'private' })
    await bobSpeaks.client.call('room.invite', { room, userId: 'alice' })
    await page.getByRole('link', { name: room }).waitFor()
    const { id } = await bobSpeaks.send(room, `@alice, by worker ${room}`)
    const shown = () =>
      page.evaluate(async () => {
        const worker = await navigator.serviceWorker.ready
        return (await worker.getNotifications()).map(({ body }) => body)
      })
    await expect.poll(shown).toEqual([`@Alice Adams, by worker ${room}`])

    const worker = context.serviceWorkers()[0]
    // A browser without a screen has nothing to click on: the worker is told as if there were.
    await worker?.evaluate(async () => {
      const scope = self as unknown as {
        registration: { getNotifications(): Promise<unknown[]> }
      }
      const [notification] = await scope.registration.getNotifications()
      const event = Object.assign(new Event('notificationclick'), {
        notification,
        waitUntil: () => undefined,
      })
      self.dispatchEvent(event)
    })

    await message(page, `by worker ${room}`).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/r/${room}/m/${id}`)
    await expect.poll(shown).toEqual([])
    await context.close()
  })
})
