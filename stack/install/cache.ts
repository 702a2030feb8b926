import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { withLock } from '../lock.ts'

/** What every `find…` of this folder takes. */
export interface FindOptions {
  /** Where variables and PATH are read; the process's own by default. */
  env?: NodeJS.ProcessEnv
  /** Is told, in a sentence, what takes time. */
  log?: (message: string) => void
}

/** The folder for what was downloaded or built: $NATTER_CACHE, else .cache in the project. */
export function cacheDir(env: NodeJS.ProcessEnv): string {
  return resolve(env.NATTER_CACHE || join(import.meta.dirname, '..', '..', '.cache'))
}

/** Whether there is something at this path. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * The path of `file` in the cache. If it is not there, `make` writes a file of that name into the
 * folder it is given, and the result moves into place whole; a second process that wants the same
 * waits for the first.
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
      await rm(folder, { recursive: true, force: true })
    }
    return path
  }
  await mkdir(cacheDir(env), { recursive: true })
  const sayWaiting = () => log(`waiting for another process that is getting ${file}`)
  return withLock(join(cacheDir(env), `${file}.lock`), install, sayWaiting)
}
