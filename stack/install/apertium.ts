import { join } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { exists, type FindOptions } from './cache.ts'

const pairs = ['eng-spa', 'spa-eng', 'spa-ita', 'fr-es']
const packages = ['apertium', 'apertium-eng-spa', 'apertium-spa-ita', 'apertium-fr-es']

export async function findApertium(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const folder = env.APERTIUM_MODES || '/usr/share/apertium/modes'
  if (await hasPairs(folder)) return folder
  const advice = `Install the Debian packages ${packages.join(' ')}, or set APERTIUM_MODES`
  if (env.APERTIUM_MODES)
    throw new Error(`APERTIUM_MODES names ${folder}, but it lacks one of ${pairs.join(', ')}`)
  if (!(await hasApt(env))) throw new Error(`There is no Apertium for the tests. ${advice}`)
  log('installing Apertium with apt-get')
  try {
    await installByApt(packages, env)
  } catch (cause) {
    throw new Error(`Apertium could not be installed by apt-get. ${advice}`, { cause })
  }
  if (await hasPairs(folder)) return folder
  throw new Error(`apt-get installed Apertium without its language pairs. ${advice}`)
}

async function hasPairs(folder: string): Promise<boolean> {
  const found = await Promise.all(pairs.map((pair) => exists(join(folder, `${pair}.mode`))))
  return found.every(Boolean)
}
