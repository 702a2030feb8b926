import type { Page } from 'playwright-core'
import { viewport } from './browser.ts'
import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

export async function measureBoot(
  { browser, room, logIn }: Product,
  rounds: number,
): Promise<Figure[]> {
  const [cold, warm]: [number[], number[]] = [[], []]
  const loggedIn = await logIn()
  const storageState = await loggedIn.context().storageState()
  await loggedIn.context().close()
  for (let round = 0; round < rounds; round++) {
    const context = await browser.newContext({ viewport, locale: 'en-US', storageState })
    const page = await context.newPage()
    cold.push(await timeFirstMessage(page, () => page.goto(room, { waitUntil: 'commit' })))
    await page.waitForLoadState('networkidle').catch(() => undefined)
    warm.push(await timeFirstMessage(page, () => page.reload({ waitUntil: 'commit' })))
    await context.close()
  }
  return [
    { name: 'cold', unit: 'ms', values: cold },
    { name: 'warm', unit: 'ms', values: warm, max: 1_000 },
  ]
}

/**
 * Returns the milliseconds from the call of `open` to the first message. `open` must resolve only
 * after the previous page is unloaded: otherwise, a message of that page would count as the first.
 */
async function timeFirstMessage(page: Page, open: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await open()
  await page.locator('.list .message').first().waitFor()
  return performance.now() - started
}
