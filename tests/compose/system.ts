import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { Engine } from './engine.ts'

const root = join(import.meta.dirname, '..', '..')

/** Names that end in .test have no address, so the browser gets it as an argument. */
export const host = 'natter.test'
export const address = '127.201.0.1'

/** Part of what `docker inspect` prints. */
export interface Container {
  Id: string
  RestartCount: number
  State: { Pid: number; ExitCode: number; Health?: { Status: string } }
  Config: { Env: string[]; Labels: Record<string, string> }
  HostConfig: {
    ReadonlyRootfs: boolean
    Memory: number
    CapDrop: string[]
    SecurityOpt: string[]
    RestartPolicy: { Name: string }
  }
}

export interface System extends AsyncDisposable {
  /** The folder with a file for each secret. */
  secrets: string
  compose(...args: string[]): Promise<string>
  /** All containers of a service, or of all services. */
  containers(service?: string): Promise<Container[]>
  /** Waits until all containers of the service are healthy. */
  untilHealthy(service: string): Promise<void>
}

/** Builds and starts the services of compose.yaml. */
export async function startSystem(engine: Engine): Promise<System> {
  await using owned = new AsyncDisposableStack()
  const secrets = join(engine.dir, 'secrets')
  const settings = join(engine.dir, '.env')
  await writeFile(
    settings,
    `NATTER_HOST=${host}
NATTER_BIND=${address}
NATTER_SECRETS=${secrets}
`,
  )
  const files = ['compose.yaml', 'deploy/compose.test.yaml'].flatMap((name) => [
    '-f',
    join(root, name),
  ])
  const compose = (...args: string[]) =>
    engine.run('docker-compose', '--env-file', settings, '-p', 'natter', ...files, ...args)
  // The networks are bridges of the machine, which the end of the engine would leave there.
  owned.defer(async () => {
    await compose('down', '--volumes', '--timeout=5')
  })
  await compose('build', '--quiet', 'secrets')
  await compose('run', '--rm', 'secrets')
  await compose('build', '--quiet')
  await compose('up', '--detach').catch(async (error: Error) => {
    error.message += `\n${await compose('ps')}\n${await compose('logs', '--no-color', '--tail=10')}`
    throw error
  })

  async function containers(service?: string): Promise<Container[]> {
    const ids = (await compose('ps', '--all', '--quiet', ...(service ? [service] : []))).split('\n')
    return JSON.parse(await engine.run('docker', 'inspect', ...ids.filter(Boolean)))
  }
  const system = owned.move()
  return {
    secrets,
    compose,
    containers,
    async untilHealthy(service) {
      const isHealthy = async () =>
        (await containers(service)).every(({ State }) => State.Health?.Status === 'healthy')
      await vi.waitUntil(isHealthy, { timeout: 240_000, interval: 500 })
    },
    [Symbol.asyncDispose]: () => system.disposeAsync(),
  }
}
