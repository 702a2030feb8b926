import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

export function findWebKitDriver(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'WebKitWebDriver',
      variable: 'NATTER_TEST_WEBKIT_DRIVER',
      names: ['WebKitWebDriver'],
      packages: ['webkit2gtk-driver'],
    },
    options,
  )
}

/** Returns the path of Xvfb, an X server without a screen. WebKitGTK needs one for its window. */
export function findXvfb(options?: FindOptions): Promise<string> {
  return findProgram(
    { title: 'Xvfb', variable: 'NATTER_TEST_XVFB', names: ['Xvfb'], packages: ['xvfb'] },
    options,
  )
}
