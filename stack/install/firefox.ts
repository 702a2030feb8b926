import { findBrowser } from './browser.ts'
import type { FindOptions } from './cache.ts'

export function findFirefox(options?: FindOptions): Promise<string> {
  return findBrowser(
    {
      title: 'Firefox',
      variable: 'NATTER_TEST_FIREFOX',
      names: ['firefox-esr', 'firefox'],
      packages: ['firefox-esr'],
    },
    options,
  )
}
