import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { findTestBrowser } from '../../stack/install/chromium.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { StackUrls } from '../../stack/state.ts'
import { startMigratedPostgres } from './database-copy.ts'
import { inviteAndJoin } from './invite.ts'
import { startStack } from './stack-process.ts'
import { createTestUser, type TestUser } from './test-user.ts'

export type PersonName = 'alice' | 'bob' | 'charlie'

export interface ClientFixture extends AsyncDisposable {
  urls: StackUrls
  stateDir: string
  stack: ProcessService
  browser: Browser
  open(person: PersonName, options?: BrowserContextOptions): Promise<Visitor>
  connect(person: PersonName): Promise<TestUser>
  /** Invites a person, and accepts the invitation over a separate connection of this person. */
  inviteAndJoin(room: string, person: PersonName, inviter: TestUser): Promise<void>
}

export interface Visitor {
  page: Page
  frames: string[]
  /** Errors of the page, including violations of the content security policy. */
  problems: string[]
}

interface FixtureOptions<Fixture> {
  setUp?(fixture: Fixture): Promise<void>
}

interface ClientFixtureOptions extends FixtureOptions<ClientFixture> {
  env?: Record<string, string>
  /**
   * The default may be Chromium's headless shell, which lacks parts of a desktop browser. Tests of
   * notifications need `findChromium`.
   */
  findBrowser?: () => Promise<string>
}

/** Use the returned fixture only inside hooks and tests, because it is created in `beforeAll`. */
export function useClientFixture({
  env,
  findBrowser,
  ...options
}: ClientFixtureOptions = {}): ClientFixture {
  return useFixture(() => createClientFixture(env, findBrowser), options)
}

export function useFixture<Fixture extends AsyncDisposable>(
  create: () => Promise<Fixture>,
  { setUp }: FixtureOptions<Fixture>,
): Fixture {
  let fixture: Fixture | undefined
  beforeAll(async () => {
    fixture = await create()
    await setUp?.(fixture)
  }, 180_000)
  afterAll(() => fixture?.[Symbol.asyncDispose]())
  // With the proxy, a test file can assign the fixture to a constant before the fixture is created.
  return new Proxy({} as Fixture, {
    get(_, key) {
      if (!fixture) throw new Error(`The fixture is not ready: ${String(key)} was read too early`)
      return Reflect.get(fixture, key)
    },
  })
}

export async function createClientFixture(
  env: Record<string, string> = {},
  findBrowser: () => Promise<string> = findTestBrowser,
): Promise<ClientFixture> {
  await using resources = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-client-'))
  resources.defer(() => rm(dir, { recursive: true, force: true }))
  // One runtime instead of two, and PostgreSQL instead of PGlite, save 5 s of processor time per
  // test file.
  const database = resources.use(await startMigratedPostgres(dir))
  const settings = { NATTER_RUNTIMES: '1', DATABASE_URL: database.url, ...env }
  const stack = resources.use(await startStack(dir, settings))
  const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  const browser = await chromium.launch({
    executablePath: await findBrowser(),
    // Chromium refuses to run as root with its sandbox.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  resources.defer(() => browser.close())
  await registerEveryone(urls)
  const owned = resources.move()
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
      const visitor = watch(page)
      await logIn(page, urls.web, person)
      return visitor
    },
    connect: async (person) => owned.use(await createTestUser(urls, person)),
    async inviteAndJoin(room, person, inviter) {
      await using invitee = await createTestUser(urls, person)
      const clients = { inviter: inviter.client, invitee: invitee.client }
      await inviteAndJoin({ room, userId: person, ...clients })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Logs in every user once, because only users who have logged in can be invited. */
async function registerEveryone(urls: StackUrls): Promise<void> {
  await using bob = await createTestUser(urls, 'bob')
  for (const name of ['alice', 'charlie'])
    await (await createTestUser(urls, name))[Symbol.asyncDispose]()
  const userIds = ['alice', 'bob', 'charlie']
  const expectAll = async () => {
    const { users } = await bob.client.call('users.names', { userIds })
    expect(users).toHaveLength(userIds.length)
  }
  // `waitFor` also repeats a call that timed out: the runtime may answer late while the servers
  // start.
  await vi.waitFor(expectAll, { timeout: 60_000 })
}

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

/** Creates a room in the page. Returns the id of the room, which begins with the room's name. */
export async function createRoom(page: Page, kind: 'public' | 'private'): Promise<string> {
  const name = `room-${crypto.randomUUID().slice(0, 8)}`
  await page.getByRole('button', { name: 'Create room' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create room' })
  await dialog.getByLabel('Name').fill(name)
  if (kind === 'private') await dialog.getByLabel('Private (invite only)').check()
  await dialog.getByRole('button', { name: 'Create room' }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
  expect(id.startsWith(name)).toBe(true)
  return id
}

/** Opens a room without reloading the page. */
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

export function message(page: Page, text: string | RegExp) {
  return page.getByRole('log').getByRole('article').filter({ hasText: text })
}

export async function runAction(page: Page, text: string, name: string): Promise<void> {
  await message(page, text).hover()
  await message(page, text).getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name }).click()
}

export async function confirm(page: Page, label: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

export async function logOut(page: Page): Promise<void> {
  await page.locator('.me').click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
}

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

/** Waits for the end of all finite animations, then expects no serious accessibility violation. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const finite = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
    await Promise.allSettled(finite.map(({ finished }) => finished))
  })
  const { violations } = await new AxeBuilder({ page }).analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const summary = serious.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  )
  expect(summary).toEqual([])
}
