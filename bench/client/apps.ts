import type { Figure } from './figures.ts'
import type { Product } from './product.ts'

export async function measureApps(
  { room, logIn }: Pick<Product, 'room' | 'logIn'>,
  rounds: number,
): Promise<Figure[]> {
  const page = await logIn()
  await page.goto(room)
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  await page.getByRole('button', { name: 'Add Poll' }).click()
  const button = page.getByRole('button', { name: 'Open Poll' })
  const values: number[] = []
  for (let round = 0; round <= rounds; round++) {
    await button.waitFor()
    const ms = await button.evaluate((element: HTMLElement) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const startedAt = performance.now()
      const observer = new MutationObserver(() => {
        if (!document.querySelector('.app.is-ready')) return
        observer.disconnect()
        resolve(performance.now() - startedAt)
      })
      observer.observe(document.body, { subtree: true, childList: true, attributes: true })
      element.click()
      return promise
    })
    // The first time, the browser has no process for frames and no copy of the component.
    if (round > 0) values.push(ms)
    await page.getByRole('button', { name: 'All apps' }).click()
  }
  await page.context().close()
  return [{ name: 'poll', unit: 'ms', values }]
}
