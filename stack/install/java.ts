import { glob, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import type { FindOptions } from './cache.ts'
import { exe, findOnPath, output } from './command.ts'

const minVersion = 17

export async function findJava(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const found = await findInstalled(env)
  if (found) return found

  const problem = `There is no Java ${minVersion} or later in JAVA_HOME, on PATH or in /usr/lib/jvm`
  const advice = `Install one, or set JAVA_HOME to it`
  if (!(await hasApt(env))) throw new Error(`${problem}. ${advice}`)
  log('installing Java with apt-get')
  try {
    await installByApt(['default-jre-headless'], env)
  } catch (cause) {
    throw new Error(`${problem}, and apt-get could not install one. ${advice}`, { cause })
  }
  const installed = await findInstalled(env)
  if (!installed) throw new Error(`${problem}, nor has apt-get installed one. ${advice}`)
  return installed
}

async function findInstalled(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const onPath = await findOnPath('java', env)
  const homes = await Array.fromAsync(glob('/usr/lib/jvm/*'))
  const newestFirst = homes.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const possible = [
    env.JAVA_HOME,
    // `java` on PATH is often a link, so its home is read from the link's target.
    onPath && dirname(dirname(await realpath(onPath))),
    ...newestFirst,
  ]
  for (const home of possible) if (home && (await readMajor(home)) >= minVersion) return home
  return undefined
}

/** Returns the major version of Java, or 0 if Java does not run or is too old for `--version`. */
async function readMajor(home: string): Promise<number> {
  const java = join(home, 'bin', `java${exe}`)
  const version = await output(java, ['--version'], { within: 20_000 }).catch(() => '')
  return Number(/^\S+ (\d+)/.exec(version)?.[1] ?? 0)
}
