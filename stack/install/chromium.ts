import { resolve } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { exists, type FindOptions } from './cache.ts'
import { findOnPath } from './command.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/**
 * Returns the path of a Chromium for the browser tests: $NATTER_TEST_CHROMIUM, else the one on PATH,
 * else one that apt-get installs.
 */
export async function findChromium(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const named = env.NATTER_TEST_CHROMIUM
  if (named) {
    if (await exists(named)) return resolve(named)
    throw new Error(`NATTER_TEST_CHROMIUM names ${named}, and there is no such file`)
  }
  const found = await findInstalled(env)
  if (found) return found

  const advice = 'Install Chromium or Chrome, or set NATTER_TEST_CHROMIUM to its program'
  if (!(await hasApt(env))) throw new Error(`There is no Chromium for the tests. ${advice}`)
  log('installing Chromium with apt-get')
  try {
    await installByApt(['chromium', 'fonts-noto-color-emoji', 'fonts-noto-core'], env)
  } catch (cause) {
    throw new Error(`Chromium could not be installed by apt-get. ${advice}`, { cause })
  }
  const installed = await findInstalled(env)
  if (!installed) throw new Error(`apt-get installed no Chromium that is on PATH. ${advice}`)
  return installed
}

async function findInstalled(env: NodeJS.ProcessEnv) {
  for (const name of names) {
    const path = await findOnPath(name, env)
    if (path) return path
  }
  return undefined
}
