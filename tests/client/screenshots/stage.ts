import type { Browser, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core'
import type { StackUrls } from '../../../stack/state.ts'
import type { DemoHistory, People } from './history.ts'
import { passwordOf } from './people.ts'

export interface Scene {
  options?: BrowserContextOptions
  isLoggedOut?: boolean
  isRefused?: boolean
  /** Creates the data that the scene shows, before the page is opened. */
  write?(people: People): Promise<unknown>
  prepare?(page: Page, urls: StackUrls): Promise<unknown>
  show(context: SceneContext): Promise<unknown>
}

export interface SceneContext {
  page: Page
  people: People
  history: DemoHistory
  urls: StackUrls
  cut: () => Promise<void>
  restore: () => void
  stateDir: string
}

export const wide = { width: 1440, height: 900 }

export async function openPage(browser: Browser, urls: StackUrls, scene: Scene) {
  const context = await browser.newContext({ viewport: wide, locale: 'en-US', ...scene.options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const sockets = await interceptSockets(page, scene.isRefused === true)
  await scene.prepare?.(page, urls)
  await page.goto(urls.web)
  if (scene.isLoggedOut) return { page, ...sockets }
  await page.locator('.landing-actions button').click()
  await page.getByLabel('Name', { exact: true }).fill('alice')
  await page.getByLabel('Password').fill(passwordOf('alice'))
  await page.keyboard.press('Enter')
  if (!scene.isRefused) await page.locator('.room-link').first().waitFor()
  return { page, ...sockets }
}

/** Lets a scene cut the page's WebSockets: the browser's offline mode would not close open ones. */
async function interceptSockets(page: Page, isRefused: boolean) {
  const sockets = new Set<WebSocketRoute>()
  let isCut = false
  await page.routeWebSocket(/./, (socket) => {
    if (isRefused) return refuse(socket)
    if (isCut) return void socket.close()
    socket.connectToServer()
    sockets.add(socket)
  })
  return {
    async cut() {
      isCut = true
      for (const socket of sockets) await socket.close()
    },
    restore() {
      isCut = false
    },
  }
}

/** Answers as NATS does when the auth callout rejects a login. */
function refuse(socket: WebSocketRoute) {
  socket.send(Buffer.from('INFO {"version":"2.12.0","auth_required":true,"max_payload":65536}\r\n'))
  socket.onMessage(() => {
    socket.send(Buffer.from("-ERR 'Authorization Violation'\r\n"))
    void socket.close()
  })
}
