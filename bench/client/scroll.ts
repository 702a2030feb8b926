import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build, type InlineConfig, preview } from 'vite'
import solid from 'vite-plugin-solid'
import { launchBrowser, viewport } from './browser.ts'
import type { Figure } from './figures.ts'
import { longestTask } from './trace.ts'

const lists = { natter: 'Natter (virtua)', tanstack: 'TanStack Virtual' } as const
type List = keyof typeof lists

const kinds = ['wheel up', 'wheel down', 'scrollbar'] as const
const count = 100_000

/** What a list did in one round. */
interface Run {
  open: number
  told: { longest: number; cpu: number }
  heap: number
  heapAfter: number
  blank: number
  tasks: Record<(typeof kinds)[number], { longest: number; cpu: number }>
}

/** The list of the client, with as many messages as nobody has, beside the same rows in another list. */
export async function measureScroll(rounds: number, steps: number): Promise<Figure[]> {
  await using site = await servePage()
  await using browser = await launchBrowser()
  const bare: number[] = []
  const runs: Record<List, Run[]> = { natter: [], tanstack: [] }
  const names = Object.keys(lists) as List[]
  for (let round = 0; round < rounds; round++) {
    bare.push(await measureBare(browser, site.url))
    for (const list of round % 2 ? names.toReversed() : names)
      runs[list].push(await measureList(browser, `${site.url}?list=${list}`, steps))
  }
  return [
    ...names.flatMap((list) => figuresOf(list, runs[list])),
    { name: 'Heap without any list', unit: 'MB', values: bare },
  ]
}

function figuresOf(list: List, runs: readonly Run[]): Figure[] {
  const goal = list === 'natter' ? { most: 50 } : {}
  const ms = (name: string, values: number[], most = {}): Figure => ({
    name: `${lists[list]}: ${name}`,
    unit: 'ms',
    values,
    ...most,
  })
  const mb = (name: string, values: number[]): Figure => ({ ...ms(name, values), unit: 'MB' })
  return [
    ...kinds.flatMap((kind) => [
      ms(
        `${kind}, longest task`,
        runs.map(({ tasks }) => tasks[kind].cpu),
        goal,
      ),
      ms(
        `${kind}, by the clock`,
        runs.map(({ tasks }) => tasks[kind].longest),
      ),
    ]),
    {
      ...ms(
        'frames with nothing in them',
        runs.map(({ blank }) => blank),
      ),
      unit: 'frames',
    },
    ms(
      'until it is drawn',
      runs.map(({ open }) => open),
    ),
    ms(
      'a message is added, longest task',
      runs.map(({ told }) => told.cpu),
    ),
    mb(
      'heap',
      runs.map(({ heap }) => heap),
    ),
    mb(
      'heap after scrolling',
      runs.map(({ heapAfter }) => heapAfter),
    ),
  ]
}

async function measureBare(browser: Browser, url: string): Promise<number> {
  await using context = await browser.newContext({ viewport, locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${url}?list=none&count=${count}`)
  await page.waitForFunction(() => window.bench?.isDrawn)
  return await readHeap(page)
}

async function measureList(browser: Browser, url: string, steps: number): Promise<Run> {
  await using context = await browser.newContext({ viewport, locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${url}&count=${count}`)
  await page.waitForFunction(() => window.bench?.isDrawn, undefined, { timeout: 60_000 })
  await page.waitForFunction(() => {
    const list = document.querySelector('.list')
    return list && list.scrollTop > 100_000
  })
  const open = await page.evaluate(() => window.bench?.drawnMs ?? Number.NaN)
  const heap = await readHeap(page)
  await page.mouse.move(viewport.width / 2, viewport.height / 2)
  await page.evaluate(() => window.bench?.watch())

  const wheel = async (by: number) => {
    for (let step = 0; step < steps; step++) await page.mouse.wheel(0, by)
    await untilStill(page)
  }
  const tasks = {
    'wheel up': await longestTask(browser, page, () => wheel(-400)),
    'wheel down': await longestTask(browser, page, () => wheel(400)),
    scrollbar: await longestTask(browser, page, () => dragScrollbar(page)),
  }
  const blank = await page.evaluate(() => window.bench?.blank ?? Number.NaN)
  const added = await longestTask(browser, page, async () => {
    await page.evaluate(() => window.bench?.say())
    await untilStill(page)
  })
  return { open, told: added, heap, heapAfter: await readHeap(page), blank, tasks }
}

/**
 * From the end of its track to the beginning and back. The thumb falls behind the mouse, so the
 * list gets about half as far; throws if it is not moved.
 */
async function dragScrollbar(page: Page): Promise<void> {
  const box = await page.locator('.list').boundingBox()
  if (!box) throw new Error('There is no list')
  // Below its thumb is a button.
  const [x, top, bottom] = [box.x + box.width - 5, box.y + 5, box.y + box.height - 18]
  const steps = 40
  await page.mouse.move(x, bottom)
  await page.mouse.down()
  for (let step = 1; step <= steps; step++)
    await page.mouse.move(x, bottom + ((top - bottom) * step) / steps)
  await untilStill(page)
  const share = await page.evaluate(() => {
    const list = document.querySelector('.list')
    return list ? list.scrollTop / list.scrollHeight : 1
  })
  for (let step = 1; step <= steps; step++)
    await page.mouse.move(x, top + ((bottom - top) * step) / steps)
  await page.mouse.up()
  await untilStill(page)
  if (share > 0.7) throw new Error(`The scrollbar was dragged, and the list stayed at ${share}`)
}

function untilStill(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        let [still, last] = [0, '']
        const look = () => {
          const list = document.querySelector('.list')
          const now = `${list?.scrollTop} ${list?.scrollHeight}`
          still = now === last ? still + 1 : 0
          last = now
          if (still >= 10) resolve()
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      }),
  )
}

/** In megabytes, after what nobody needs is gone. */
async function readHeap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize / 1e6
}

/** Builds the page as the client is built, and serves it. */
async function servePage() {
  const outDir = await mkdtemp(join(tmpdir(), 'natter-bench-page-'))
  const config: InlineConfig = {
    configFile: false,
    root: join(import.meta.dirname, 'page'),
    logLevel: 'error',
    plugins: [solid()],
    resolve: {
      alias: { '@nats-io/nkeys': join(import.meta.dirname, '../../client/build/stubs/nkeys.ts') },
      // The other list has one of its own beside it.
      dedupe: ['solid-js'],
    },
    build: { outDir, target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    preview: { host: '127.0.0.1', port: 0 },
  }
  await build(config)
  const server = await preview(config)
  const url = server.resolvedUrls?.local[0]
  if (!url) throw new Error('The page is served nowhere')
  return {
    url,
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}
