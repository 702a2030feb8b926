import type { FindOptions } from './cache.ts'
import { findOnPath } from './command.ts'
import { findProgram } from './program.ts'

const headlessShells = ['chromium-headless-shell', 'chrome-headless-shell']

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

/**
 * The headless shell is the engine of Chromium without the parts of a desktop browser. A page needs
 * half as much processor time in it as in Chromium. It shows no notifications, so tests of
 * notifications need `findChromium`.
 */
export function findHeadlessShell(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'headless shell of Chromium',
      variable: 'NATTER_TEST_HEADLESS_SHELL',
      names: headlessShells,
      // Installs both packages, because the shell needs a Chromium of the same version. If apt-get
      // installed only the shell, it could remove an installed older Chromium.
      packages: ['chromium', 'chromium-headless-shell'],
    },
    options,
  )
}

/**
 * Returns the browser that an environment variable names. Without a variable, returns the headless
 * shell if it is installed, else Chromium.
 */
export async function findTestBrowser(options: FindOptions = {}): Promise<string> {
  const { env = process.env } = options
  if (env.NATTER_TEST_HEADLESS_SHELL) return findHeadlessShell(options)
  if (env.NATTER_TEST_CHROMIUM) return findChromium(options)
  for (const name of headlessShells) {
    const path = await findOnPath(name, env)
    if (path) return path
  }
  return findChromium(options)
}
