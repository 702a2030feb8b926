import { resolve } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { exists, type FindOptions } from './cache.ts'
import { findOnPath } from './command.ts'

export interface Program {
  title: string
  variable: string
  names: readonly string[]
  packages: readonly string[]
}

/**
 * Returns the path of a program for the tests: the one that the environment variable `variable`
 * names, else the one on PATH, else one that apt-get installs. Throws an error that says what to do
 * if none is available.
 */
export async function findProgram(
  { title, variable, names, packages }: Program,
  { env = process.env, log = () => {} }: FindOptions = {},
): Promise<string> {
  const named = env[variable]
  if (named) {
    if (await exists(named)) return resolve(named)
    throw new Error(`${variable} names ${named}, and there is no such file`)
  }
  const found = await findAnyOnPath(names, env)
  if (found) return found

  const advice = `Install it, or set ${variable} to its program`
  if (!(await hasApt(env))) throw new Error(`There is no ${title} for the tests. ${advice}`)
  log(`installing ${title} with apt-get`)
  try {
    await installByApt([...packages], env)
  } catch (cause) {
    throw new Error(`${title} could not be installed by apt-get. ${advice}`, { cause })
  }
  const installed = await findAnyOnPath(names, env)
  if (!installed) throw new Error(`apt-get installed no ${title} that is on PATH. ${advice}`)
  return installed
}

async function findAnyOnPath(names: readonly string[], env: NodeJS.ProcessEnv) {
  for (const name of names) {
    const path = await findOnPath(name, env)
    if (path) return path
  }
  return undefined
}
