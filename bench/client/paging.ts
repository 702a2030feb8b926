import type { Page } from 'playwright-core'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

const [stepPx, loadPx] = [120, 800]

/** How far what is seen moved otherwise than the wheel said, in pixels: the most that it ever did. */
export async function measurePaging(
  product: Product,
  rounds: number,
  pages: number,
): Promise<Figure[]> {
  const jumps: number[] = []
  const waits: number[] = []
  for (let round = 0; round < rounds; round++) {
    const page = await product.logIn()
    await page.goto(product.room)
    await page.locator('.list .message').first().waitFor()
    await page.mouse.move(700, 400)
    await untilStill(page)
    await page.evaluate(watch)
    for (let loaded = 0; loaded < pages; ) {
      if (await goUp(page, waits)) loaded++
    }
    jumps.push(await page.evaluate(() => (window as unknown as Watched).watched.most))
    await page.context().close()
  }
  return [
    { name: `the greatest jump in ${pages} pages`, unit: 'px', values: jumps, most: 2 },
    { name: 'until an older page is there', unit: 'ms', values: waits },
  ]
}

/** Some steps up; true if a page came of it. */
async function goUp(page: Page, waits: number[]): Promise<boolean> {
  const before = await page.evaluate(readList)
  const steps = Math.min(4, Math.floor((before.top - 1) / stepPx))
  for (let step = 0; step < steps; step++) await page.mouse.wheel(0, -stepPx)
  const started = performance.now()
  await page.waitForFunction((most) => (document.querySelector('.list')?.scrollTop ?? 0) > most, 0)
  const isDue = before.top - steps * stepPx < loadPx
  if (isDue) {
    await page.waitForFunction(
      (size) => (document.querySelector('.list')?.scrollHeight ?? 0) > size + 1_000,
      before.size,
    )
    waits.push(performance.now() - started)
  }
  await untilStill(page)
  await page.evaluate(() => (window as unknown as Watched).watched.settle())
  return isDue
}

const readList = () => {
  const list = document.querySelector('.list')
  return { top: list?.scrollTop ?? 0, size: list?.scrollHeight ?? 0 }
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
function watch(): void {
  const step = 120
  let [owed, moved] = [0, 0]
  let before = new Map<string, number>()
  const state = { most: 0, settle }
  ;(window as unknown as Watched).watched = state
  addEventListener('wheel', ({ deltaY }) => (owed -= deltaY), { passive: true, capture: true })

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
    requestAnimationFrame(look)
  }
  function settle() {
    note(Math.abs(moved - owed))
    moved = owed
  }
  function note(jump: number) {
    state.most = Math.max(state.most, jump)
  }
  requestAnimationFrame(look)
}
