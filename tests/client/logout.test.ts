import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import {
  createRoom,
  logIn,
  logOut,
  message,
  readLocalStore,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let bob: TestUser

const fixture = useClientFixture({
  findBrowser: findChromium,
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ connect }) {
    bob = await connect('bob')
  },
})

async function givenTwoTabs(): Promise<Visitor & { other: Page; room: string }> {
  const visitor = await fixture.open('alice')
  const room = await createRoom(visitor.page, 'private')
  await typeMessage(visitor.page, `cached in ${room}`)
  const other = await openTab(visitor.page.context(), `/r/${room}`)
  await message(other, `cached in ${room}`).waitFor()
  return { ...visitor, other, room }
}

async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(fixture.urls.web + path)
  return page
}

async function logOutToLanding(page: Page): Promise<void> {
  await logOut(page)
  await page.getByRole('button', { name: 'Log in' }).waitFor()
}

describe('a logout', { timeout: 60_000 }, () => {
  it('ends the session in all tabs and deletes the local data', async () => {
    const { page, other, room } = await givenTwoTabs()

    await logOutToLanding(page)

    await other.getByText('You’re logged out.').waitFor()
    expect(await other.getByRole('article').count()).toBe(0)
    // Closing the tab flushes its pending writes, which must not restore the deleted data.
    await other.close()
    const stored = await readLocalStore(page)
    expect(stored).not.toContain('alice')
    expect(stored).not.toContain(room)
    await page.context().close()
  })

  it('ends the session even in a tab that receives no broadcast of the logout, long before the token expires', async () => {
    const { page, other } = await givenTwoTabs()
    await other.addInitScript(() => {
      BroadcastChannel.prototype.postMessage = () => undefined
    })
    await other.reload()
    await other.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()

    await logOutToLanding(other)

    // The notice must appear long before the token expires, which takes five minutes by default.
    await page.getByText('Your session has ended.').waitFor({ timeout: 25_000 })
    await page.context().close()
  })

  it('happens in all tabs when another user logs in, and then deletes cached messages but no drafts', async () => {
    const { page, other, room } = await givenTwoTabs()
    await other.locator('#composer').fill('not sent yet')
    await page.context().clearCookies()
    await page.close()
    const next = await other.context().newPage()

    await logIn(next, fixture.urls.web, 'bob')

    await other.getByText('Your session has ended.').waitFor()
    await other.close()
    await expect.poll(() => readLocalStore(next)).not.toContain(`cached in ${room}`)
    expect(await readLocalStore(next)).toContain('not sent yet')
    await logOutToLanding(next)
    await logIn(next, fixture.urls.web, 'alice')
    await next.goto(`${fixture.urls.web}/r/${room}`)
    await message(next, `cached in ${room}`).waitFor()
    expect(await next.locator('#composer').inputValue()).toBe('not sent yet')
    await next.context().close()
  })

  it('asks for confirmation when there are unsent messages', async () => {
    const { page } = await fixture.open('alice')
    const room = await createRoom(page, 'private')
    await page.context().setOffline(true)
    await typeMessage(page, `waits in ${room}`)
    await message(page, `waits in ${room}`).waitFor()

    await logOut(page)

    const dialog = page.getByRole('dialog', { name: 'Log out and discard' })
    await dialog.getByText('1 message hasn’t been sent yet.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await readLocalStore(page)).toContain(`waits in ${room}`)
    await page.context().setOffline(false)
    await expect.poll(() => readLocalStore(page), { timeout: 15_000 }).not.toContain('outgoing ')
    await message(page, `waits in ${room}`).waitFor()
    await logOutToLanding(page)
    await page.context().close()
  })

  it('works offline, and afterwards no tab shows the deleted data', async () => {
    const { page, other, room } = await givenTwoTabs()
    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await page.context().setOffline(true)
    await page.reload()
    await message(page, `cached in ${room}`).waitFor()

    await logOut(page)

    await page.getByText('Can’t reach Natter.').waitFor()
    await other.getByText('You’re logged out.').waitFor()
    expect(await readLocalStore(page)).not.toContain(room)
    await page.context().close()
  })
})

describe('a notification shown by the service worker', { timeout: 60_000 }, () => {
  it('opens the message that it announces', async () => {
    const { page } = await fixture.open('alice', { permissions: ['notifications'] })
    const context = page.context()
    // Makes the constructor of Notification fail as in mobile browsers, where only a service worker
    // can show notifications.
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
    await page.goto(`${fixture.urls.web}/console/traces`)
    await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room, name: room, kind: 'private' })
    await fixture.inviteAndJoin(room, 'alice', bob)
    await page.getByRole('link', { name: room }).waitFor()
    const { id } = await bob.send(room, `@alice, by worker ${room}`)
    const shown = () =>
      page.evaluate(async () => {
        const worker = await navigator.serviceWorker.ready
        return (await worker.getNotifications()).map(({ body }) => body)
      })
    await expect.poll(shown).toEqual([`@Alice Adams, by worker ${room}`])

    const worker = context.serviceWorkers()[0]
    // A headless browser shows no notification that the test could click, so dispatch the event of
    // a click.
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
