import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

export function findChromium(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'Chromium or Chrome',
      variable: 'NATTER_TEST_CHROMIUM',
      names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'],
      packages: ['chromium', 'fonts-noto-color-emoji', 'fonts-noto-core'],
    },
    options,
  )
}
