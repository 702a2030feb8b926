import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build, type InlineConfig, preview } from 'vite'
import solid from 'vite-plugin-solid'
import { launchBrowser, viewport } from './browser.ts'
import type { Figure } from './figures.ts'
import { waitUntilStill } from './still.ts'
import { longestTask } from './trace.ts'

const lists = { natter: 'Natter (virtua)', tanstack: 'TanStack Virtual' } as const
type List = keyof typeof lists

const kinds = ['wheel up', 'wheel down', 'scrollbar'] as const
const count = 100_000

/** Times are in milliseconds, heap sizes in megabytes. */
interface Run {
  renderMs: number
  newMessage: { longest: number; cpu: number }
  heap: number
  heapAfter: number
  blankFrames: number
  tasks: Record<(typeof kinds)[number], { longest: number; cpu: number }>
}

export async function measureScroll(rounds: number, steps: number): Promise<Figure[]> {
  await using site = await servePage()
  await using browser = await launchBrowser()
  const heaps: number[] = []
  const runs: Record<List, Run[]> = { natter: [], tanstack: [] }
  const names = Object.keys(lists) as List[]
  for (let round = 0; round < rounds; round++) {
    heaps.push(await measureEmptyPage(browser, site.url))
    for (const list of round % 2 ? names.toReversed() : names)
      runs[list].push(await measureList(browser, `${site.url}?list=${list}`, steps))
  }
  return [
    ...names.flatMap((list) => figuresOf(list, runs[list])),
    { name: 'Heap without any list', unit: 'MB', values: heaps },
  ]
}

function figuresOf(list: List, runs: readonly Run[]): Figure[] {
  const goal = list === 'natter' ? { max: 50 } : {}
  const ms = (name: string, values: number[], goal = {}): Figure => ({
    name: `${lists[list]}: ${name}`,
    unit: 'ms',
    values,
    ...goal,
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
        `${kind}, longest task, wall time`,
        runs.map(({ tasks }) => tasks[kind].longest),
      ),
    ]),
    {
      ...ms(
        'blank frames',
        runs.map(({ blankFrames }) => blankFrames),
      ),
      unit: 'frames',
    },
    ms(
      'time to the first message',
      runs.map(({ renderMs }) => renderMs),
    ),
    ms(
      'a new message, longest task',
      runs.map(({ newMessage }) => newMessage.cpu),
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

async function measureEmptyPage(browser: Browser, url: string): Promise<number> {
  await using context = await browser.newContext({ viewport, locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${url}?list=none&count=${count}`)
  await page.waitForFunction(() => window.bench?.isRendered)
  return await readHeap(page)
}

async function measureList(browser: Browser, url: string, steps: number): Promise<Run> {
  await using context = await browser.newContext({ viewport, locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${url}&count=${count}`)
  await page.waitForFunction(() => window.bench?.isRendered, undefined, { timeout: 60_000 })
  await page.waitForFunction(() => {
    const list = document.querySelector('.list')
    return list && list.scrollTop > 100_000
  })
  const renderMs = await page.evaluate(() => window.bench?.renderMs ?? Number.NaN)
  const heap = await readHeap(page)
  await page.mouse.move(viewport.width / 2, viewport.height / 2)
  await page.evaluate(() => window.bench?.countBlankFrames())

  const wheel = async (deltaY: number) => {
    for (let step = 0; step < steps; step++) await page.mouse.wheel(0, deltaY)
    await waitUntilStill(page, 10)
  }
  const tasks = {
    'wheel up': await longestTask(browser, page, () => wheel(-400)),
    'wheel down': await longestTask(browser, page, () => wheel(400)),
    scrollbar: await longestTask(browser, page, () => dragScrollbar(page)),
  }
  const blankFrames = await page.evaluate(() => window.bench?.blankFrames ?? Number.NaN)
  const newMessage = await longestTask(browser, page, async () => {
    await page.evaluate(() => window.bench?.receiveMessage())
    await waitUntilStill(page, 10)
  })
  const heapAfter = await readHeap(page)
  return { renderMs, newMessage, heap, heapAfter, blankFrames, tasks }
}

/**
 * Drags the thumb of the scrollbar to the top. The thumb lags behind the mouse, so the list scrolls
 * only about half of the way.
 */
async function dragScrollbar(page: Page): Promise<void> {
  const box = await page.locator('.list').boundingBox()
  if (!box) throw new Error('The page has no list')
  // Below `bottom` is the arrow button of the scrollbar.
  const [x, top, bottom] = [box.x + box.width - 5, box.y + 5, box.y + box.height - 18]
  const steps = 40
  await page.mouse.move(x, bottom)
  await page.mouse.down()
  for (let step = 1; step <= steps; step++)
    await page.mouse.move(x, bottom + ((top - bottom) * step) / steps)
  await waitUntilStill(page, 10)
  const position = await page.evaluate(() => {
    const list = document.querySelector('.list')
    return list ? list.scrollTop / list.scrollHeight : 1
  })
  for (let step = 1; step <= steps; step++)
    await page.mouse.move(x, top + ((bottom - top) * step) / steps)
  await page.mouse.up()
  await waitUntilStill(page, 10)
  if (position > 0.7)
    throw new Error(`The list stayed at ${position} of its height while the scrollbar was dragged`)
}

/** Returns the size of the heap in megabytes, after a garbage collection. */
async function readHeap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize / 1e6
}

async function servePage() {
  const outDir = await mkdtemp(join(tmpdir(), 'natter-bench-page-'))
  const config: InlineConfig = {
    configFile: false,
    root: join(import.meta.dirname, 'page'),
    logLevel: 'error',
    plugins: [solid()],
    resolve: {
      alias: { '@nats-io/nkeys': join(import.meta.dirname, '../../client/build/stubs/nkeys.ts') },
      dedupe: ['solid-js'],
    },
    build: { outDir, target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    preview: { host: '127.0.0.1', port: 0 },
  }
  await build(config)
  const server = await preview(config)
  const url = server.resolvedUrls?.local[0]
  if (!url) throw new Error('The preview server has no local URL')
  return {
    url,
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}
