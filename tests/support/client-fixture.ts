import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { StackUrls } from '../../stack/state.ts'
import { startStack } from './stack-process.ts'
import { createTestUser } from './test-user.ts'

export type PersonName = 'alice' | 'bob' | 'charlie'

/** The whole product, and people who sit in front of it with a real browser. */
export interface ClientFixture extends AsyncDisposable {
  urls: StackUrls
  /** Where the product keeps its state. */
  stateDir: string
  stack: ProcessService
  /** Somebody in a browser of their own, logged in. */
  open(person: PersonName, options?: BrowserContextOptions): Promise<Visitor>
  browser: Browser
}

export interface Visitor {
  page: Page
  /** What came over the page's WebSockets. */
  frames: string[]
  /** What the browser complained about: scripts that failed, and what the page's policy stopped. */
  problems: string[]
}

/** `env` is for the whole product, as `npm start` reads it. */
export async function createClientFixture(
  env: Record<string, string> = {},
): Promise<ClientFixture> {
  await using made = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-client-'))
  made.defer(() => rm(dir, { recursive: true, force: true }))
  const stack = made.use(await startStack(dir, env))
  const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  const browser = await chromium.launch({
    executablePath: await findChromium(),
    // Chromium as root runs without its sandbox or not at all.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  made.defer(() => browser.close())
  await trackVisibility(urls)
  const all = made.move()
  return {
    urls,
    stateDir: dir,
    stack,
    browser,
    async open(person, options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        locale: 'en-US',
        ...options,
      })
      const page = await context.newPage()
      page.setDefaultTimeout(5_000)
      const visitor = watch(page)
      await logIn(page, urls.web, person)
      return visitor
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Has everybody been here once, as those must have who are invited or written to. */
async function trackVisibility(urls: StackUrls): Promise<void> {
  await using bob = await createTestUser(urls, 'bob')
  for (const name of ['alice', 'charlie'])
    await (await createTestUser(urls, name))[Symbol.asyncDispose]()
  const userIds = ['alice', 'bob', 'charlie']
  await vi.waitUntil(
    async () => (await bob.client.call('users.names', { userIds })).users.length === userIds.length,
    { timeout: 10_000 },
  )
}

/** Keeps what comes to a page, and what goes wrong in it. */
export function watch(page: Page): Visitor {
  const frames: string[] = []
  const problems: string[] = []
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => frames.push(payload.toString())),
  )
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  return { page, frames, problems }
}

export async function logIn(page: Page, url: string, person: PersonName): Promise<void> {
  await page.goto(url)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByLabel('Name', { exact: true }).fill(person)
  await page.getByLabel('Password').fill(`${person}123`)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
}

/** Makes a room and is in it. */
export async function makeRoom(page: Page, kind: 'public' | 'private'): Promise<string> {
  const id = `room-${crypto.randomUUID().slice(0, 8)}`
  await page.getByRole('button', { name: 'Create room' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create room' })
  await dialog.getByLabel('Name').fill(id)
  if (kind === 'private') await dialog.getByLabel('Private (invite only)').check()
  await dialog.getByRole('button', { name: 'Create room' }).click()
  await page.getByRole('heading', { level: 1, name: id }).waitFor()
  return id
}

export async function goTo(page: Page, url: string, room: string): Promise<void> {
  await page.evaluate(
    (path) => history.pushState(null, '', path),
    new URL(`/r/${room}`, url).pathname,
  )
  await page.evaluate(() => dispatchEvent(new PopStateEvent('popstate')))
}

export async function typeMessage(page: Page, text: string): Promise<void> {
  await page.locator('#composer').fill(text)
  await page.locator('#composer').press('Enter')
}

/** A message on the screen. */
export function message(page: Page, text: string | RegExp) {
  return page.getByRole('log').getByRole('article').filter({ hasText: text })
}

export async function runAction(page: Page, text: string, name: string): Promise<void> {
  await message(page, text).hover()
  await message(page, text).getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name }).click()
}

/** Says yes to what the page asks before it does something. */
export async function confirm(page: Page, deed: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: deed, exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

/** All that this browser keeps. */
export function readLocalStore(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const all = [JSON.stringify({ ...localStorage })]
    for (const { name = '' } of await indexedDB.databases()) {
      const { promise, resolve } = Promise.withResolvers<string>()
      const opening = indexedDB.open(name)
      opening.onsuccess = () => {
        const store = opening.result.transaction('kept').objectStore('kept')
        const [keys, values] = [store.getAllKeys(), store.getAll()]
        values.onsuccess = () => resolve(JSON.stringify([keys.result, values.result]))
      }
      all.push(await promise)
      opening.result.close()
    }
    return all.join('\n')
  })
}

export async function expectNoProblems({ problems }: Visitor): Promise<void> {
  expect(problems).toEqual([])
}

/** Nothing on the page is seriously in the way of people with disabilities, once all has stopped moving. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
    await Promise.allSettled(ending.map(({ finished }) => finished))
  })
  const { violations } = await new AxeBuilder({ page }).analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  expect(found).toEqual([])
}
