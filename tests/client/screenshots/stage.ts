import type { Browser, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core'
import type { StackUrls } from '../../../stack/state.ts'
import { passwordOf } from './people.ts'
import type { Speakers, Talk } from './talk.ts'

export interface Scene {
  options?: BrowserContextOptions
  /** Nobody is logged in. */
  isOutside?: boolean
  /** The server lets nobody in. */
  isRefused?: boolean
  /** Before the page is opened. */
  prepare?(page: Page, urls: StackUrls): Promise<unknown>
  show(around: Around): Promise<unknown>
}

export interface Around {
  page: Page
  speakers: Speakers
  said: Talk
  urls: StackUrls
  /** Takes the connection away, and lets none come back before `mend`. */
  cut: () => Promise<void>
  mend: () => void
  /** Where the product keeps its state. */
  stateDir: string
}

export const wide = { width: 1440, height: 900 }

/** Alice in front of a browser of her own. */
export async function openPage(browser: Browser, urls: StackUrls, scene: Scene) {
  const context = await browser.newContext({ viewport: wide, locale: 'en-US', ...scene.options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const sockets = await interceptSockets(page, scene.isRefused === true)
  await scene.prepare?.(page, urls)
  await page.goto(urls.web)
  if (scene.isOutside) return { page, ...sockets }
  await page.locator('.landing-actions button').click()
  await page.getByLabel('Name', { exact: true }).fill('alice')
  await page.getByLabel('Password').fill(passwordOf('alice'))
  await page.keyboard.press('Enter')
  if (!scene.isRefused) await page.locator('.room-link').first().waitFor()
  return { page, ...sockets }
}

/** Answers with what cuts them: a browser that is told to be offline keeps the sockets it has. */
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
    mend() {
      isCut = false
    },
  }
}

/** As the server does with whom the callout does not let in. */
function refuse(socket: WebSocketRoute) {
  socket.send(Buffer.from('INFO {"version":"2.12.0","auth_required":true,"max_payload":65536}\r\n'))
  socket.onMessage(() => {
    socket.send(Buffer.from("-ERR 'Authorization Violation'\r\n"))
    void socket.close()
  })
}
