import type { Page } from 'playwright-core'

export function waitUntilStill(page: Page, frames: number): Promise<void> {
  return page.evaluate(
    (required) =>
      new Promise<void>((resolve) => {
        let [still, previous] = [0, '']
        const check = () => {
          const list = document.querySelector('.list')
          const current = `${list?.scrollTop} ${list?.scrollHeight}`
          still = current === previous ? still + 1 : 0
          previous = current
          if (still >= required) resolve()
          else requestAnimationFrame(check)
        }
        requestAnimationFrame(check)
      }),
    frames,
  )
}
