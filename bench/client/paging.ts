import type { Page } from 'playwright-core'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'
import { waitUntilStill } from './still.ts'

/**
 * If the height of the list grows by more than this, a history page was loaded. Rows that are
 * rendered for the first time also change the height, but by less.
 */
const minPagePx = 1_400
const loadPx = 800
const paces = { '1 notch per frame': 120, '3 notches per frame': 360 }

const directions = { up: -1, down: 1 } as const
type Direction = keyof typeof directions

interface Paging {
  direction: Direction
  stepPx: number
  pages: number
}

export async function measurePaging(
  product: Product,
  rounds: number,
  pages: number,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const direction of ['up', 'down'] as const)
    for (const [pace, stepPx] of Object.entries(paces)) {
      const values: number[] = []
      for (let round = 0; round < rounds; round++)
        values.push(await measureShift(product, { direction, stepPx, pages }))
      figures.push({ name: `${pages} pages ${direction}, ${pace}`, unit: 'px', values, max: 2 })
    }
  return figures
}

async function measureShift(product: Product, paging: Paging): Promise<number> {
  const { direction, stepPx, pages } = paging
  const page = await product.logIn()
  await page.goto(direction === 'up' ? product.room : product.oldMessage)
  await page.locator('.list .message').first().waitFor()
  await page.mouse.move(700, 400)
  await waitUntilStill(page, 6)
  await page.evaluate(observeRows, stepPx)
  for (let loaded = 0; loaded < pages; ) {
    if (await scroll(page, paging)) loaded++
  }
  const maxShift = await page.evaluate(() => (window as unknown as Observed).observed.maxShift)
  await page.context().close()
  return maxShift
}

async function scroll(page: Page, { direction, stepPx }: Paging): Promise<boolean> {
  const before = await page.evaluate(readList, direction)
  // Stops before the end of the list, because the last step to the end would be shorter than
  // `stepPx`.
  const steps = Math.min(4, Math.floor((before.left - 1) / stepPx))
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, directions[direction] * stepPx)
    // Waits for the next frame, so that a slow frame does not receive several steps.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    )
  }
  await waitUntilStill(page, 6)
  while ((await page.evaluate(readList, direction)).left < loadPx) await waitUntilStill(page, 6)
  await waitUntilStill(page, 6)
  await page.evaluate(() => (window as unknown as Observed).observed.settle())
  return (await page.evaluate(readList, direction)).height > before.height + minPagePx
}

const readList = (direction: Direction) => {
  const {
    scrollTop = 0,
    scrollHeight = 0,
    clientHeight = 0,
  } = document.querySelector('.list') ?? {}
  return {
    left: direction === 'up' ? scrollTop : scrollHeight - scrollTop - clientHeight,
    height: scrollHeight,
  }
}

interface Observed {
  observed: { maxShift: number; settle: () => void }
}

/**
 * Runs in the browser. Records the largest deviation from two rules: in each frame, the rows move
 * by a multiple of `step`; once the list is still, they have moved as far as the wheel.
 */
function observeRows(step: number): void {
  let [wheel, moved] = [0, 0]
  let previous = new Map<string, number>()
  const state = { maxShift: 0, settle }
  ;(window as unknown as Observed).observed = state
  addEventListener('wheel', ({ deltaY }) => (wheel -= deltaY), { passive: true, capture: true })

  // Checks once per frame. The check runs in a message event that an animation-frame callback has
  // posted: at that time, the list has moved its rows for this frame.
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = check
  const next = () => requestAnimationFrame(() => port2.postMessage(undefined))

  function check() {
    const current = new Map<string, number>()
    for (const row of document.querySelectorAll('.list .message')) {
      const { top, bottom } = row.getBoundingClientRect()
      if (bottom > 60 && top < 700) current.set(row.getAttribute('aria-label') ?? '', top)
    }
    const shifts = [...current].flatMap(([key, top]) => {
      const before = previous.get(key)
      return before === undefined ? [] : [top - before]
    })
    // Measures the last visible row, because a growing row moves only the rows on one side of it.
    const shift = shifts.at(-1) ?? 0
    if (current.size > 0 && previous.size > 0 && shifts.length === 0) record(700)
    moved += shift
    record(Math.abs(shift - Math.round(shift / step) * step))
    previous = current
    next()
  }
  function settle() {
    record(Math.abs(moved - wheel))
    moved = wheel
  }
  function record(deviation: number) {
    state.maxShift = Math.max(state.maxShift, deviation)
  }
  next()
}
