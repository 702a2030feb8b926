import { glob, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { exists, type FindOptions } from './cache.ts'
import { exe, findOnPath } from './command.ts'

export async function findPostgres(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const named = env.NATTER_TEST_POSTGRES
  if (named) {
    if (await isPostgres(named)) return resolve(named)
    throw new Error(`NATTER_TEST_POSTGRES names ${named}, but initdb and postgres are not in it`)
  }

  const found = await findInstalled(env)
  if (found) return found

  const advice = 'Install PostgreSQL, or set NATTER_TEST_POSTGRES to the folder of its initdb'
  if (!(await hasApt(env))) throw new Error(`There is no PostgreSQL for the tests. ${advice}`)
  log('installing PostgreSQL with apt-get')
  try {
    await installByApt(['postgresql'], env)
  } catch (cause) {
    throw new Error(`PostgreSQL could not be installed by apt-get. ${advice}`, { cause })
  }
  const installed = await findInstalled(env)
  if (!installed) throw new Error(`apt-get installed PostgreSQL without an initdb. ${advice}`)
  return installed
}

async function findInstalled(env: NodeJS.ProcessEnv) {
  const onPath = await findOnPath('initdb', env)
  const folderOnPath = onPath && dirname(await realpath(onPath))
  if (folderOnPath && (await isPostgres(folderOnPath))) return folderOnPath

  const patterns = ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin']
  const folders = await Array.fromAsync(glob(patterns))
  const newestFirst = folders.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  for (const folder of newestFirst) if (await isPostgres(folder)) return folder
  return undefined
}

async function isPostgres(folder: string) {
  return (
    (await exists(join(folder, `initdb${exe}`))) && (await exists(join(folder, `postgres${exe}`)))
  )
}
