import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientFolder } from '../../stack/install/client.ts'
import { startWeb } from '../../stack/services/web.ts'
import {
  type ClientFixture,
  createClientFixture,
  expectNoProblems,
  logIn,
  makeRoom,
  message,
  readLocalStore,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'

let ground: ClientFixture

beforeAll(async () => {
  ground = await createClientFixture()
}, 120_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

const offlineBanner = /You’re offline/

/** Somebody in a room of theirs where they have said something, on a page that a worker has kept. */
async function givenKept(text: string): Promise<Visitor & { room: string }> {
  const visitor = await ground.open('alice')
  const { page } = visitor
  const room = await makeRoom(page, 'private')
  await typeMessage(page, text)
  await page.locator('article.message:not(.is-outgoing)').filter({ hasText: text }).waitFor()
  await workerIsIn(page)
  await isKept(page, text)
  return { ...visitor, room }
}

/** A worker has taken the page over, and has all files. */
async function workerIsIn(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { serviceWorker } = navigator
    const changed = new Promise((resolve) =>
      serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
    )
    if (!serviceWorker.controller) await changed
  })
}

/** What is written soon has been written. */
async function isKept(page: Page, text: string): Promise<void> {
  await expect.poll(() => readLocalStore(page)).toContain(text)
}

async function logOut(page: Page): Promise<void> {
  await page.locator('.me').click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
}

describe('the page as an app', { timeout: 60_000 }, () => {
  it('can be installed', async () => {
    const { page } = await givenKept('install me')
    const devtools = await page.context().newCDPSession(page)

    const { errors, url } = await devtools.send('Page.getAppManifest')
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')

    expect(url).toBe(`${ground.urls.web}/manifest.webmanifest`)
    expect(errors).toEqual([])
    // A browser without a profile of its own installs nothing, whatever it is.
    const ours = installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')
    expect(ours).toEqual([])
    await page.context().close()
  })

  it('starts without a network, with the rooms and messages that were kept, and says so', async () => {
    const visitor = await givenKept('keep this')
    const { page, room } = visitor
    await page.context().setOffline(true)

    await page.reload()

    await message(page, 'keep this').waitFor()
    await page.getByText(offlineBanner).waitFor()
    await page.getByRole('link', { name: room }).waitFor()
    expect(await message(page, 'keep this').textContent()).toContain('Alice Adams')
    await page.context().close()
  })

  it('starts at any place without a network, also when the browser was closed meanwhile', async () => {
    const { page, room } = await givenKept('keep this, too')
    const later = await page.context().newPage()
    await page.close()
    await later.context().setOffline(true)

    await later.goto(`${ground.urls.web}/r/${room}`)

    await message(later, 'keep this, too').waitFor()
    await later.context().close()
  })

  it('sends what was written without a network once it is back', async () => {
    const { page } = await givenKept('before')
    await page.context().setOffline(true)
    await page.reload()
    await message(page, 'before').waitFor()
    await typeMessage(page, 'said in a tunnel')
    await page.locator('#composer').fill('and half a th')
    await page.locator('#composer').press('o')

    await page.context().setOffline(false)

    await page
      .locator('article.message:not(.is-outgoing)')
      .filter({ hasText: 'said in a tunnel' })
      .waitFor({ timeout: 30_000 })
    expect(await page.getByText(offlineBanner).count()).toBe(0)
    expect(await page.locator('#composer').inputValue()).toBe('and half a tho')
    await page.context().close()
  })

  it('opens dialogs and menus without a network', async () => {
    const { page } = await givenKept('with dialogs')
    await page.context().setOffline(true)
    await page.reload()
    await message(page, 'with dialogs').waitFor()

    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()

    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await page.context().close()
  })

  it('shows nothing without a network to whoever comes after somebody logged out', async () => {
    const { page, room } = await givenKept('for alice alone')
    await logOut(page)
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().setOffline(true)

    await page.goto(`${ground.urls.web}/r/${room}`)

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('for alice alone')
    expect(await readLocalStore(page)).not.toMatch(/alice|room-/)
    await page.context().close()
  })

  it('shows nothing without a network when the provider does not know them any more', async () => {
    const { page } = await givenKept('until the session ends')
    await page.context().clearCookies()
    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.context().setOffline(true)

    await page.reload()

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('until the session ends')
    await page.context().close()
  })

  it('shows somebody nothing of who was here before, and forgets it', async () => {
    const { page, room } = await givenKept('alice was here')
    await page.context().clearCookies()
    await page.close()
    const after = await page.context().newPage()
    after.setDefaultTimeout(5_000)
    await logIn(after, ground.urls.web, 'bob')
    await after.context().setOffline(true)

    await after.goto(`${ground.urls.web}/r/${room}`)

    await after.getByText(offlineBanner).waitFor()
    expect(await after.content()).not.toContain('alice was here')
    await expect.poll(() => readLocalStore(after)).not.toContain('alice was here')
    await after.context().close()
  })

  it('shows nothing without a network a day after the provider vouched for somebody', async () => {
    const { page } = await givenKept('yesterday')
    await page.context().setOffline(true)
    await page.clock.install({ time: Date.now() + 25 * 3_600_000 })

    await page.reload()

    await page.getByText('Can’t reach Natter.').waitFor()
    expect(await page.content()).not.toContain('yesterday')
    await page.context().close()
  })

  it('keeps no configuration, no token and no word of anybody among its files', async () => {
    const { page } = await givenKept('not among files')

    const kept = await page.evaluate(async () => {
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

    expect(kept).toContain('/')
    expect(kept).not.toContain('/config.json')
    expect(kept).not.toContain('/callback')
    expect(kept).not.toContain('a secret')
    await page.context().close()
  })

  it('shows what was kept before there is a connection', async () => {
    const visitor = await givenKept('at once')
    const { page } = visitor
    // NATS does not answer; the provider does.
    await page.routeWebSocket(/.*/, () => undefined)

    await page.reload()

    await message(page, 'at once').waitFor()
    await page.context().close()
  })
})

describe('a new version of the page', { timeout: 60_000 }, () => {
  it('is announced to a page that is open, and is there after a reload', async () => {
    await using made = new AsyncDisposableStack()
    const root = await mkdtemp(join(tmpdir(), 'natter-page-'))
    made.defer(() => rm(root, { recursive: true, force: true }))
    await cp(clientFolder, root, { recursive: true })
    const web = made.use(await startWeb({ root, config: () => undefined }))
    const context = await ground.browser.newContext({ locale: 'en-US' })
    made.defer(() => context.close())
    const page = await context.newPage()
    await page.goto(web.url)
    await workerIsIn(page)

    await deployNewer(root)
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())

    await page.getByText('A new version of Natter is available.').waitFor()
    expect(await page.title()).toBe('Natter')
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect.poll(() => page.title()).toBe('Natter, newer')
    await expect.poll(() => page.getByText('new version').count()).toBe(0)
  })

  it('is there after a reload, whatever an older worker has kept', async () => {
    await using made = new AsyncDisposableStack()
    const root = await mkdtemp(join(tmpdir(), 'natter-page-'))
    made.defer(() => rm(root, { recursive: true, force: true }))
    await cp(clientFolder, root, { recursive: true })
    const web = made.use(await startWeb({ root, config: () => undefined }))
    const context = await ground.browser.newContext({ locale: 'en-US' })
    made.defer(() => context.close())
    const page = await context.newPage()
    await page.goto(web.url)
    await workerIsIn(page)

    // The page alone: the worker stays what it was.
    await edit(join(root, 'index.html'), (html) => html.replace('Natter<', 'Natter, newer<'))
    await page.reload()

    expect(await page.title()).toBe('Natter, newer')
  })

  it('is suggested when a part of the old one is gone', async () => {
    const context = await ground.browser.newContext({ locale: 'en-US', serviceWorkers: 'block' })
    const page = await context.newPage()
    page.setDefaultTimeout(5_000)
    await context.route(/SettingsDialog-.*\.js/, (route) => route.fulfill({ status: 404 }))
    await logIn(page, ground.urls.web, 'alice')

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

  it('has a worker that runs without a fault', async () => {
    const visitor = await givenKept('no faults')
    await visitor.page.reload()
    await message(visitor.page, 'no faults').waitFor()

    await expectNoProblems(visitor)
    await visitor.page.context().close()
  })
})

/** Another script, another page and another worker, as a build makes them; nothing packed beside them. */
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
