import { findBrowser } from './browser.ts'
import type { FindOptions } from './cache.ts'

export function findChromium(options?: FindOptions): Promise<string> {
  return findBrowser(
    {
      title: 'Chromium or Chrome',
      variable: 'NATTER_TEST_CHROMIUM',
      names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
      packages: ['chromium', 'fonts-noto-color-emoji', 'fonts-noto-core'],
    },
    options,
  )
}
