import type { Page } from 'playwright-core'
import { viewport } from './browser.ts'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

/** Cold: a browser that has nothing but the login. Warm: the same page is loaded again. */
export async function measureBoot(
  { browser, room, logIn }: Product,
  rounds: number,
): Promise<Figure[]> {
  const [cold, warm]: [number[], number[]] = [[], []]
  const known = await logIn()
  const storageState = await known.context().storageState()
  await known.context().close()
  for (let round = 0; round < rounds; round++) {
    const context = await browser.newContext({ viewport, locale: 'en-US', storageState })
    const page = await context.newPage()
    cold.push(await untilSeen(page, () => page.goto(room, { waitUntil: 'commit' })))
    await page.waitForLoadState('networkidle').catch(() => undefined)
    warm.push(await untilSeen(page, () => page.reload({ waitUntil: 'commit' })))
    await context.close()
  }
  return [
    { name: 'cold', unit: 'ms', values: cold },
    { name: 'warm', unit: 'ms', values: warm, most: 1_000 },
  ]
}

/** In milliseconds; the page that was there before is gone when `go` is through. */
async function untilSeen(page: Page, go: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await go()
  await page.locator('.list .message').first().waitFor()
  return performance.now() - started
}
