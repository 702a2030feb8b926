import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { clientFolder } from '../../stack/install/client.ts'
import { startWeb } from '../../stack/services/web.ts'
import {
  createRoom,
  expectNoProblems,
  logIn,
  logOut,
  message,
  readLocalStore,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'

const fixture = useClientFixture()

const offlineBanner = /You’re offline/

async function givenCached(text: string): Promise<Visitor & { room: string }> {
  const visitor = await fixture.open('alice')
  const { page } = visitor
  const room = await createRoom(page, 'private')
  await typeMessage(page, text)
  await page.locator('article.message:not(.is-outgoing)').filter({ hasText: text }).waitFor()
  await serviceWorkerControls(page)
  await expect.poll(() => readLocalStore(page)).toContain(text)
  return { ...visitor, room }
}

/** Waits until the service worker controls the page. It has then cached all files of the page. */
async function serviceWorkerControls(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { serviceWorker } = navigator
    const changed = new Promise((resolve) =>
      serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
    )
    if (!serviceWorker.controller) await changed
  })
}

describe('the page as a progressive web app', { timeout: 60_000 }, () => {
  it('meets the browser’s conditions for installation', async () => {
    const { page } = await givenCached('install me')
    const devtools = await page.context().newCDPSession(page)

    const { errors, url } = await devtools.send('Page.getAppManifest')
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')

    expect(url).toBe(`${fixture.urls.web}/manifest.webmanifest`)
    expect(errors).toEqual([])
    // This error is expected: a browser context of Playwright counts as incognito, and Chromium
    // installs no pages there.
    const ours = installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')
    expect(ours).toEqual([])
    await page.context().close()
  })

  it('starts offline, and shows the cached rooms and messages below a banner “You’re offline”', async () => {
    const visitor = await givenCached('cache this')
    const { page, room } = visitor
    await page.context().setOffline(true)

    await page.reload()

    await message(page, 'cache this').waitFor()
    await page.getByText(offlineBanner).waitFor()
    await page.getByRole('link', { name: room.slice(0, -'-12345678'.length) }).waitFor()
    expect(await message(page, 'cache this').textContent()).toContain('Alice Adams')
    await page.context().close()
  })

  it('opens a deep link offline in a new tab', async () => {
    const { page, room } = await givenCached('cache this, too')
    const later = await page.context().newPage()
    await page.close()
    await later.context().setOffline(true)

    await later.goto(`${fixture.urls.web}/r/${room}`)

    await message(later, 'cache this, too').waitFor()
    await later.context().close()
  })

  it('sends a message that was written offline as soon as the network is back, and keeps the next draft', async () => {
    const { page } = await givenCached('before')
    await page.context().setOffline(true)
    await page.reload()
    await message(page, 'before').waitFor()
    await typeMessage(page, 'written in a tunnel')
    await page.locator('#composer').fill('and half a th')
    await page.locator('#composer').press('o')

    await page.context().setOffline(false)

    await page
      .locator('article.message:not(.is-outgoing)')
      .filter({ hasText: 'written in a tunnel' })
      .waitFor({ timeout: 30_000 })
    expect(await page.getByText(offlineBanner).count()).toBe(0)
    expect(await page.locator('#composer').inputValue()).toBe('and half a tho')
    await page.context().close()
  })

  it('opens dialogs and menus offline', async () => {
    const { page } = await givenCached('with dialogs')
    await page.context().setOffline(true)
    await page.reload()
    await message(page, 'with dialogs').waitFor()

    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()

    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await page.context().close()
  })

  it('shows no cached data offline after the user has logged out', async () => {
    const { page, room } = await givenCached('for alice alone')
    await logOut(page)
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().setOffline(true)

    await page.goto(`${fixture.urls.web}/r/${room}`)

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('for alice alone')
    expect(await readLocalStore(page)).not.toMatch(/alice|room-/)
    await page.context().close()
  })

  it('shows no cached data offline after the session at the OpenID provider has ended', async () => {
    const { page } = await givenCached('until the session ends')
    await page.context().clearCookies()
    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().setOffline(true)

    await page.reload()

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('until the session ends')
    await page.context().close()
  })

  it('deletes the cached data of the previous user when another person logs in', async () => {
    const { page, room } = await givenCached('alice was here')
    await page.context().clearCookies()
    await page.close()
    const after = await page.context().newPage()
    await logIn(after, fixture.urls.web, 'bob')
    await after.context().setOffline(true)

    await after.goto(`${fixture.urls.web}/r/${room}`)

    await after.getByText(offlineBanner).waitFor()
    expect(await after.content()).not.toContain('alice was here')
    await expect.poll(() => readLocalStore(after)).not.toContain('alice was here')
    await after.context().close()
  })

  it('shows no cached data when it starts offline more than a day after the last login check', async () => {
    const { page } = await givenCached('yesterday')
    await page.context().setOffline(true)
    await page.clock.install({ time: Date.now() + 25 * 3_600_000 })

    await page.reload()

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('yesterday')
    await page.context().close()
  })

  it('stores no configuration, token or message in the service worker’s file cache', async () => {
    const { page } = await givenCached('not among files')

    const cached = await page.evaluate(async () => {
      const all: string[] = []
      for (const name of await caches.keys()) {
        const cache = await caches.open(name)
        for (const request of await cache.keys()) {
          all.push(new URL(request.url).pathname)
          const text = (await (await cache.match(request))?.text()) ?? ''
          if (text.includes('not among files') || /eyJ[\w-]+\.eyJ/.test(text)) all.push('a secret')
        }
      }
      return all
    })

    expect(cached).toContain('/')
    expect(cached).not.toContain('/config.json')
    expect(cached).not.toContain('/callback')
    expect(cached).not.toContain('a secret')
    await page.context().close()
  })

  it('shows cached messages before the connection is established', async () => {
    const visitor = await givenCached('at once')
    const { page } = visitor
    await page.routeWebSocket(/.*/, () => undefined)

    await page.reload()

    await message(page, 'at once').waitFor()
    await page.context().close()
  })

  it('has a service worker that runs without errors', async () => {
    const visitor = await givenCached('no faults')
    await visitor.page.reload()
    await message(visitor.page, 'no faults').waitFor()

    await expectNoProblems(visitor)
    await visitor.page.context().close()
  })
})

describe('a new version of the page', { timeout: 60_000 }, () => {
  it('is announced in an open page, and loads after a reload', async () => {
    await using resources = new AsyncDisposableStack()
    const root = await mkdtemp(join(tmpdir(), 'natter-page-'))
    resources.defer(() => rm(root, { recursive: true, force: true }))
    await cp(clientFolder, root, { recursive: true })
    const web = resources.use(await startWeb({ root, config: () => undefined }))
    const context = await fixture.browser.newContext({ locale: 'en-US' })
    resources.defer(() => context.close())
    const page = await context.newPage()
    await page.goto(web.url)
    await serviceWorkerControls(page)

    await deployNewer(root)
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())

    await page.getByText('A new version of Natter is available.').waitFor()
    expect(await page.title()).toBe('Natter')
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect.poll(() => page.title()).toBe('Natter, newer')
    await expect.poll(() => page.getByText('new version').count()).toBe(0)
  })

  it('loads after a reload even if an older service worker has cached the old version', async () => {
    await using resources = new AsyncDisposableStack()
    const root = await mkdtemp(join(tmpdir(), 'natter-page-'))
    resources.defer(() => rm(root, { recursive: true, force: true }))
    await cp(clientFolder, root, { recursive: true })
    const web = resources.use(await startWeb({ root, config: () => undefined }))
    const context = await fixture.browser.newContext({ locale: 'en-US' })
    resources.defer(() => context.close())
    const page = await context.newPage()
    await page.goto(web.url)
    await serviceWorkerControls(page)

    // The service worker is unchanged, so its cache still has the old page.
    await edit(join(root, 'index.html'), (html) => html.replace('Natter<', 'Natter, newer<'))
    await page.reload()

    expect(await page.title()).toBe('Natter, newer')
  })

  it('is offered with a button when the server no longer has a file of the old version', async () => {
    const context = await fixture.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' })
    const page = await context.newPage()
    await context.route(/SettingsDialog-.*\.js/, (route) => route.fulfill({ status: 404 }))
    await logIn(page, fixture.urls.web, 'alice')

    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()

    await page.getByText('Part of this page couldn’t be loaded').waitFor()
    await context.unroute(/SettingsDialog-.*\.js/)
    await page.getByRole('button', { name: 'Reload' }).click()
    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await context.close()
  })
})

/** Replaces the entry script, the HTML and the service worker, as a new build does. */
async function deployNewer(root: string): Promise<void> {
  const html = await readFile(join(root, 'index.html'), 'utf8')
  const [, script = ''] = /src="(\/assets\/index-[^"]+\.js)"/.exec(html) ?? []
  const newer = script.replace('index-', 'index-newer-')
  await cp(join(root, script), join(root, newer))
  await edit(join(root, 'index.html'), (page) =>
    page.replace(script, newer).replace('Natter<', 'Natter, newer<'),
  )
  await edit(join(root, 'worker.js'), (worker) =>
    worker.replaceAll(script, newer).replace(/"[0-9a-f]{12}"/, '"000000000001"'),
  )
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8')
  const after = change(before)
  expect(after).not.toBe(before)
  await writeFile(file, after)
  for (const suffix of ['.br', '.gz']) await rm(file + suffix, { force: true })
}
