import { hasApt, installByApt } from './apt.ts'
import type { FindOptions } from './cache.ts'
import { findOnPath } from './command.ts'

/**
 * Programs that the tests of compose.yaml need, each with its Debian package. debootstrap builds
 * the base image, so that the tests pull no image from a registry.
 */
const packagesOf = {
  dockerd: 'docker.io',
  'docker-compose': 'docker-compose',
  debootstrap: 'debootstrap',
  ip: 'iproute2',
}

/**
 * Returns the path of the container engine (dockerd), and installs it if it is missing. The tests
 * start it themselves. Throws an error that says what to do if this machine cannot run a container
 * engine.
 */
export async function findDocker(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const no = 'There is no container engine for the tests of compose.yaml'
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error(`${no}, which needs Linux and root`)
  const missing: string[] = []
  for (const [program, name] of Object.entries(packagesOf))
    if (!(await findOnPath(program, env))) missing.push(name)
  if (missing.length > 0) {
    if (!(await hasApt(env))) throw new Error(`${no}. Install ${missing.join(', ')}`)
    log(`installing ${missing.join(', ')} with apt-get`)
    try {
      await installByApt(missing, env)
    } catch (cause) {
      throw new Error(`${no}, and apt-get could not install ${missing.join(', ')}`, { cause })
    }
  }
  return (await findOnPath('dockerd', env)) ?? 'dockerd'
}
