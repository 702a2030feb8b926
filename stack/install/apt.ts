import { findOnPath, output } from './command.ts'

/** Returns whether `installByApt` can run: it needs apt-get and root. */
export async function hasApt(env: NodeJS.ProcessEnv): Promise<boolean> {
  return process.getuid?.() === 0 && Boolean(await findOnPath('apt-get', env))
}

export async function installByApt(packages: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const apt = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } }
  await output('apt-get', ['update', '-qq'], apt)
  await output('apt-get', ['install', '-y', '--no-install-recommends', ...packages], apt)
}
