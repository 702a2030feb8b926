import { findBrowser } from './browser.ts'
import type { FindOptions } from './cache.ts'

/** Returns the path of a Firefox for the browser tests, see `findBrowser`. */
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
