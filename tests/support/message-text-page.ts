import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { createServer } from 'vite'
import solid from 'vite-plugin-solid'
import { findTestBrowser } from '../../stack/install/chromium.ts'
import type * as measures from './message-text-measures.ts'

type Measure = Exclude<keyof typeof measures, 'outlineOfHtml'>

const client = join(import.meta.dirname, '..', '..', 'client')

/** Renders messages in a browser without servers. */
export interface MessageTextPage extends AsyncDisposable {
  /** Renders messages in place of the previous ones, on alternating backgrounds. */
  show(texts: readonly string[]): Promise<void>
  measure<Name extends Measure>(name: Name): Promise<ReturnType<(typeof measures)[Name]>[]>
  setLook(look: { theme: string; direction: string; width: number }): Promise<void>
  /** Returns the HTML of the messages that are partly cut off. */
  findClipped(): Promise<string[]>
  outlinesOf(htmlTexts: readonly string[]): Promise<string[]>
}

const entry = `
  import '/theme/tokens.css'
  import '/theme/base.css'
  import '/messages/message.css'
  import * as measures from '/@fs${join(import.meta.dirname, 'message-text-measures.ts')}'
  import { createComponent, render } from 'solid-js/web'
  import { MessageText } from '/text/MessageText.tsx'

  document.body.style.overflow = 'visible'
  window.measures = measures
  const backgrounds = ['', 'names-me', 'is-edited-now']
  let disposers = []
  window.showTexts = (texts) => {
    for (const dispose of disposers) dispose()
    document.body.replaceChildren()
    disposers = texts.map((text, index) => {
      const message = document.createElement('article')
      message.className = 'message ' + backgrounds[index % backgrounds.length]
      const body = document.createElement('div')
      body.className = 'message-body'
      message.append(document.createElement('span'), body)
      document.body.append(message)
      return render(
        () => createComponent(MessageText, { text, mentions: [], me: 'ada', names: (user) => user }),
        body,
      )
    })
  }
`

export async function createMessageTextPage(): Promise<MessageTextPage> {
  await using resources = new AsyncDisposableStack()
  const vite = await createServer({
    configFile: false,
    root: client,
    logLevel: 'error',
    appType: 'custom',
    server: {
      port: 0,
      host: '127.0.0.1',
      watch: null,
      hmr: false,
      ws: false,
      fs: { strict: false },
    },
    plugins: [
      solid(),
      {
        name: 'message-text-page',
        resolveId: (id) => (id === '/message-text-page.js' ? id : undefined),
        load: (id) => (id === '/message-text-page.js' ? entry : undefined),
        configureServer: (server) => {
          server.middlewares.use((request, response, next) => {
            if (request.url !== '/') return next()
            response.setHeader('Content-Type', 'text/html')
            response.end(
              '<!doctype html><html lang="en"><body></body><script type="module" src="/message-text-page.js"></script></html>',
            )
          })
        },
      },
    ],
  })
  resources.defer(() => vite.close())
  await vite.listen()
  const browser = await chromium.launch({
    executablePath: await findTestBrowser(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  resources.defer(() => browser.close())
  const page = await browser.newPage()
  await page.goto(vite.resolvedUrls?.local[0] ?? '')
  await page.waitForFunction(() => 'showTexts' in window)
  const owned = resources.move()
  return {
    async show(texts) {
      await page.evaluate((all) => Reflect.get(window, 'showTexts')(all), texts)
    },
    measure: (name) =>
      page.evaluate(
        (measure) =>
          [...document.querySelectorAll('.message-text')].map(
            Reflect.get(Reflect.get(window, 'measures'), measure),
          ),
        name,
      ) as never,
    async setLook({ theme, direction, width }) {
      await page.setViewportSize({ width, height: 800 })
      await page.evaluate(
        (look) => {
          document.documentElement.dataset.theme = look.theme
          document.documentElement.dir = look.direction
        },
        { theme, direction },
      )
    },
    async findClipped() {
      const style = '.message-text { overflow: visible !important }'
      const whole = await page.screenshot({ fullPage: true, style })
      if (whole.equals(await page.screenshot({ fullPage: true }))) return []
      const clipped: string[] = []
      for (const message of await page.locator('.message').all()) {
        const unclipped = await message.screenshot({ style })
        if (!unclipped.equals(await message.screenshot())) clipped.push(await message.innerHTML())
      }
      return clipped
    },
    outlinesOf: (htmlTexts) =>
      page.evaluate(
        (texts) => texts.map(Reflect.get(Reflect.get(window, 'measures'), 'outlineOfHtml')),
        htmlTexts,
      ) as never,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
