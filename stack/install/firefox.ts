import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

export function findFirefox(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'Firefox',
      variable: 'NATTER_TEST_FIREFOX',
      names: ['firefox-esr', 'firefox'],
      packages: ['firefox-esr'],
    },
    options,
  )
}
