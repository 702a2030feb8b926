import type { Page } from 'playwright-core'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

/** A page is higher than this, and what rows are found to be higher by when they are drawn is not. */
const pagePx = 1_400
/** From where on the list loads more. */
const loadPx = 800
/** How far the wheel goes in a frame: a notch, and as when somebody spins it. */
const paces = { 'a notch a frame': 120, 'three notches a frame': 360 }

/** Up from the newest, and down from an old message that a link leads to. */
const ways = { up: -1, down: 1 } as const
type Way = keyof typeof ways

/** How far what is seen moved otherwise than the wheel said, in pixels: the most that it ever did. */
export async function measurePaging(
  product: Product,
  rounds: number,
  pages: number,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const way of ['up', 'down'] as const)
    for (const [pace, stepPx] of Object.entries(paces)) {
      const values: number[] = []
      for (let round = 0; round < rounds; round++)
        values.push(await measureJump(product, pages, way, stepPx))
      figures.push({ name: `${pages} pages ${way}, ${pace}`, unit: 'px', values, most: 2 })
    }
  return figures
}

async function measureJump(
  product: Product,
  pages: number,
  way: Way,
  stepPx: number,
): Promise<number> {
  const page = await product.logIn()
  await page.goto(way === 'up' ? product.room : product.oldMessage)
  await page.locator('.list .message').first().waitFor()
  await page.mouse.move(700, 400)
  await untilStill(page)
  await page.evaluate(watch, stepPx)
  for (let loaded = 0; loaded < pages; ) {
    if (await go(page, way, stepPx)) loaded++
  }
  const jump = await page.evaluate(() => (window as unknown as Watched).watched.most)
  await page.context().close()
  return jump
}

/** Some steps; true if a page came of it. */
async function go(page: Page, way: Way, stepPx: number): Promise<boolean> {
  const before = await page.evaluate(readList, way)
  // At the very end it would go less far than the wheel says.
  const steps = Math.min(4, Math.floor((before.left - 1) / stepPx))
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, ways[way] * stepPx)
    // No wheel turns faster than that, however slow the frames are.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    )
  }
  await untilStill(page)
  while ((await page.evaluate(readList, way)).left < loadPx) await untilStill(page)
  await untilStill(page)
  await page.evaluate(() => (window as unknown as Watched).watched.settle())
  return (await page.evaluate(readList, way)).size > before.size + pagePx
}

/** How high the list is, and how far it goes on that way. */
const readList = (way: Way) => {
  const {
    scrollTop = 0,
    scrollHeight = 0,
    clientHeight = 0,
  } = document.querySelector('.list') ?? {}
  return {
    left: way === 'up' ? scrollTop : scrollHeight - scrollTop - clientHeight,
    size: scrollHeight,
  }
}

/** Nothing has moved for six frames. */
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
          if (still >= 6) resolve()
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      }),
  )
}

interface Watched {
  watched: { most: number; settle: () => void }
}

/**
 * In the page: adds up by how much rows move from frame to frame, and by how much the wheel was turned.
 * Between two frames rows may move by whole steps of the wheel; when all is still, by all of them.
 */
function watch(step: number): void {
  let [owed, moved] = [0, 0]
  let before = new Map<string, number>()
  const state = { most: 0, settle }
  ;(window as unknown as Watched).watched = state
  addEventListener('wheel', ({ deltaY }) => (owed -= deltaY), { passive: true, capture: true })

  // Rows are measured after a frame's callbacks: the next task sees them as they were drawn.
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = look
  const next = () => requestAnimationFrame(() => port2.postMessage(undefined))

  function look() {
    const now = new Map<string, number>()
    for (const row of document.querySelectorAll('.list .message')) {
      const { top, bottom } = row.getBoundingClientRect()
      if (bottom > 60 && top < 700) now.set(row.getAttribute('aria-label') ?? '', top)
    }
    const shifts = [...now].flatMap(([key, top]) => {
      const earlier = before.get(key)
      return earlier === undefined ? [] : [top - earlier]
    })
    // Rows do not all move alike if one of them grows: what is nearest to the end of the view counts.
    const shift = shifts.at(-1) ?? 0
    if (now.size > 0 && before.size > 0 && shifts.length === 0) note(700)
    moved += shift
    note(Math.abs(shift - Math.round(shift / step) * step))
    before = now
    next()
  }
  function settle() {
    note(Math.abs(moved - owed))
    moved = owed
  }
  function note(jump: number) {
    state.most = Math.max(state.most, jump)
  }
  next()
}
