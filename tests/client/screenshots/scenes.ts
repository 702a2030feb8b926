import type { Browser, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core'
import type { StackUrls } from '../../../stack/state.ts'
import { passwordOf } from './people.ts'
import type { Speakers, Talk } from './talk.ts'

export interface Scene {
  options?: BrowserContextOptions
  /** Nobody is logged in. */
  isOutside?: boolean
  show(around: Around): Promise<unknown>
}

export interface Around {
  page: Page
  speakers: Speakers
  said: Talk
  urls: StackUrls
  /** Takes the connection away, and lets none come back. */
  cut: () => Promise<void>
}

const wide = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }

export const scenes: Record<string, Scene> = {
  login: {
    isOutside: true,
    options: { viewport: { width: 1000, height: 640 } },
    show: ({ page }) => page.getByRole('button', { name: 'Log in' }).waitFor(),
  },
  room: { show: ({ page }) => showRoom(page, 'Engineering') },
  'room-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page }) => showRoom(page, 'Engineering'),
  },
  thread: { show: ({ page, urls, said }) => showThread(page, urls, said) },
  'thread-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page, urls, said }) => showThread(page, urls, said),
  },
  members: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'Members', exact: true }).click()
      await page.getByRole('region', { name: 'Members' }).getByText('Tomás').waitFor()
    },
  },
  actions: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      const message = page.getByRole('article').filter({ hasText: 'both flat' })
      await message.hover()
      await message.getByRole('button', { name: 'React' }).click()
      await page.getByRole('button', { name: '🎉', exact: true }).hover()
    },
  },
  switcher: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('e')
      await page.getByRole('option').first().waitFor()
    },
  },
  settings: {
    options: { colorScheme: 'dark' },
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: /^Alice Adams/ }).click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    },
  },
  'notify-menu': {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'More about this room' }).click()
      await page.getByRole('menuitemradio', { name: 'Mentions', exact: true }).hover()
    },
  },
  offline: {
    async show({ page, cut }) {
      await showRoom(page, 'Engineering')
      await cut()
      await page.locator('#composer').fill('Written without a connection, sent when it is back.')
      await page.locator('#composer').press('Enter')
      await page.getByText('The connection is lost.').waitFor()
    },
  },
  compact: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: /^Alice Adams/ }).click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      await page.getByLabel('Compact').check()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    },
  },
  console: { show: ({ page, speakers }) => showConsole(page, speakers) },
  'console-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page, speakers }) => showConsole(page, speakers),
  },
  rtl: {
    options: { locale: 'ar' },
    show: ({ page }) => showRoom(page, 'مكتب بيروت'),
  },
  'phone-rooms': {
    options: { viewport: phone, hasTouch: true, isMobile: true },
    show: ({ page }) => page.getByRole('link', { name: /Engineering/ }).waitFor(),
  },
  'phone-room': {
    options: { viewport: phone, hasTouch: true, isMobile: true, colorScheme: 'dark' },
    show: ({ page }) => showRoom(page, 'Engineering'),
  },
}

/** Alice in front of a browser of her own. */
export async function openPage(browser: Browser, urls: StackUrls, scene: Scene) {
  const context = await browser.newContext({ viewport: wide, locale: 'en-US', ...scene.options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const cut = await interceptSockets(page)
  await page.goto(urls.web)
  if (scene.isOutside) return { page, cut }
  await page.locator('.landing-actions button').click()
  await page.getByLabel('Name', { exact: true }).fill('alice')
  await page.getByLabel('Password').fill(passwordOf('alice'))
  await page.keyboard.press('Enter')
  await page.locator('.room-link').first().waitFor()
  return { page, cut }
}

/** Answers with what cuts them: a browser that is told to be offline keeps the sockets it has. */
async function interceptSockets(page: Page) {
  const sockets = new Set<WebSocketRoute>()
  let isCut = false
  await page.routeWebSocket(/./, (socket) => {
    if (isCut) return void socket.close()
    socket.connectToServer()
    sockets.add(socket)
  })
  return async () => {
    isCut = true
    for (const socket of sockets) await socket.close()
  }
}

async function showRoom(page: Page, name: string) {
  await page.locator('.room-link').filter({ hasText: name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
  await page.getByRole('article').last().waitFor()
  // Names come a moment later.
  await page.locator('.message-name').filter({ hasText: ' ' }).first().waitFor()
  await page.mouse.move(wide.width - 1, 20)
}

/** What runs, while somebody reads on and on for half a minute. */
async function showConsole(page: Page, { bob }: Speakers) {
  await showRoom(page, 'Engineering')
  await page.getByRole('link', { name: 'Console', exact: true }).click()
  const main = page.getByRole('region', { name: 'Console' })
  const { rooms } = await bob.client.call('room.list', {})
  for (let round = 0; round < 60; round++) {
    const some = rooms.slice(0, 2 + Math.round(2 * Math.sin(round / 5)))
    for (const { id } of some) await bob.client.call('chat.history', { room: id })
    if (round % 3 === 0) await bob.client.call('room.list', {})
    // A chart is of what comes with time.
    await page.waitForTimeout(500)
  }
  await main.getByRole('columnheader', { name: 'Calls per second' }).getByRole('button').click()
  await main.getByRole('button', { name: 'chat.history', exact: true }).click()
  await page
    .getByRole('region', { name: /^Details of/ })
    .getByRole('rowheader')
    .first()
    .waitFor()
}

async function showThread(page: Page, urls: StackUrls, { thread }: Talk) {
  await showRoom(page, 'Engineering')
  const message = page.getByRole('article').filter({ hasText: 'after a long night' })
  await message.getByRole('button', { name: /replies/ }).click()
  await page.getByText('On it').waitFor()
  await page.mouse.move(wide.width - 1, 20)
  const expected = `${urls.web}/r/${thread.room}/t/${thread.id}`
  if (page.url() !== expected) throw new Error(`This is not ${expected}: ${page.url()}`)
}
