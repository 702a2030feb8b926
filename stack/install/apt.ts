import { join } from 'node:path'
import { withLock } from '../lock.ts'
import { cacheDir } from './cache.ts'
import { findOnPath, output } from './command.ts'

export async function hasApt(env: NodeJS.ProcessEnv): Promise<boolean> {
  return process.getuid?.() === 0 && Boolean(await findOnPath('apt-get', env))
}

export async function installByApt(packages: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const apt = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } }
  const install = async () => {
    await output('apt-get', ['update', '-qq'], apt)
    await output('apt-get', ['install', '-y', '--no-install-recommends', ...packages], apt)
  }
  // apt-get fails while another apt-get runs. Several test files may install packages at once.
  await withLock(join(cacheDir(env), 'apt.lock'), install, () => {})
}
