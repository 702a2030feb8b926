import { vi } from 'vitest'
import type { DrivenBrowser } from './driven-browser.ts'

/** Waits until an element exists in the page. */
export function waitForElement(browser: DrivenBrowser, selector: string): Promise<unknown> {
  const has = () => browser.run((wanted) => document.querySelector(wanted) !== null, selector)
  return vi.waitUntil(has, { timeout: 30_000, interval: 100 })
}

/** Opens a room's URL, and logs alice in. */
export async function logInToRoom(browser: DrivenBrowser, url: string): Promise<void> {
  await browser.open(url)
  await waitForElement(browser, '.landing-card button')
  await browser.run(() => document.querySelector<HTMLElement>('.landing-card button')?.click())
  await waitForElement(browser, 'input[type=password]')
  await browser.run(() => document.querySelector<HTMLElement>('input')?.focus())
  await browser.press(...'alice', 'Tab', ...'alice123', 'Enter')
  await waitForElement(browser, '#composer')
}
