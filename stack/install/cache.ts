import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { withLock } from '../lock.ts'

export interface FindOptions {
  env?: NodeJS.ProcessEnv
  log?: (message: string) => void
}

export function cacheDir(env: NodeJS.ProcessEnv): string {
  return resolve(env.NATTER_CACHE || join(import.meta.dirname, '..', '..', '.cache'))
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Returns the path of `file` in the cache. If it is missing, `make` creates a file of this name in a
 * temporary folder, and a rename moves it into the cache. Waits if another process is creating it.
 */
export async function cached(
  file: string,
  make: (folder: string) => Promise<void>,
  { env = process.env, log = () => {} }: FindOptions,
): Promise<string> {
  const path = join(cacheDir(env), file)
  if (await exists(path)) return path

  const install = async () => {
    if (await exists(path)) return path
    const folder = await mkdtemp(join(cacheDir(env), '.new-'))
    try {
      await make(folder)
      await rename(join(folder, file), path)
    } finally {
      // Retries, because a process that `make` has left behind may still write into the folder.
      await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    }
    return path
  }
  await mkdir(cacheDir(env), { recursive: true })
  const onWait = () => log(`waiting for another process that installs ${file}`)
  return withLock(join(cacheDir(env), `${file}.lock`), install, onWait)
}
