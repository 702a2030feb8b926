import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import { freePort } from '../../stack/ports.ts'
import { canFail } from '../support/small-disk.ts'
import type { Engine } from './engine.ts'

const root = join(import.meta.dirname, '..', '..')

/** DNS resolves no name that ends in `.test`, so the browser gets an argument that maps this name to `address`. */
export const host = 'natter.test'
const address = '127.0.0.1'
export const natsServers = ['nats-1', 'nats-2', 'nats-3']
/** The size in megabytes of the file system of each service that stores data. */
const disks = { 'nats-1': 120, 'nats-2': 120, 'nats-3': 120, postgres: 500 }

/** Part of what `docker inspect` prints. */
export interface Container {
  Id: string
  RestartCount: number
  State: { Pid: number; ExitCode: number; Status: string; Health?: { Status: string } }
  Config: { Env: string[]; Labels: Record<string, string> }
  HostConfig: {
    ReadonlyRootfs: boolean
    Memory: number
    CapDrop: string[]
    SecurityOpt: string[]
    RestartPolicy: { Name: string }
  }
}

export interface System {
  /** The folder with a file for each secret. */
  secrets: string
  /** The port of this machine that leads to port 443 of the service `web`. */
  port: number
  compose(...args: string[]): Promise<string>
  /** All containers of a service, or of all services. */
  containers(service?: string): Promise<Container[]>
  /** Runs a command in a container of the service. */
  exec(service: string, ...command: string[]): Promise<string>
  /** Returns what all containers of the service have logged. */
  logs(service: string): Promise<string>
  /** Kills the main process of a container. The engine then restarts the container. */
  kill(service: string): Promise<void>
  /** Waits until all containers of the service are healthy. */
  untilHealthy(service: string): Promise<void>
  /** Fills the file system of a nats-server or of PostgreSQL. */
  fillDisk(service: string): Promise<void>
  freeDisk(service: string): Promise<void>
  /** Makes the disk of a nats-server read-only, as the kernel does after a disk error. Possible only if `canFail`. */
  makeReadOnly(service: string): Promise<void>
  /** Stops the container, repairs its disk, and starts the container. */
  repairDisk(service: string): Promise<void>
}

/** Builds and starts the services of compose.yaml, with the profile `demo` and Prometheus. They end with the engine. */
export async function startSystem(engine: Engine): Promise<System> {
  const secrets = join(engine.dir, 'secrets')
  const folder = join(engine.dir, 'disks')
  const settings = join(engine.dir, '.env')
  const port = await freePort()
  await writeFile(
    settings,
    `NATTER_HOST=${host}
NATTER_HTTP=${address}:${await freePort()}
NATTER_HTTPS=${address}:${port}
NATTER_SECRETS=${secrets}
NATTER_TEST_DISKS=${folder}
COMPOSE_PROFILES=demo,test
`,
  )
  await mountDisks(engine, folder)
  const files = ['compose.yaml', 'deploy/compose.test.yaml'].flatMap((name) => [
    '-f',
    join(root, name),
  ])
  const compose = (...args: string[]) =>
    engine.run('docker-compose', '--env-file', settings, '-p', 'natter', ...files, ...args)
  await build(compose)

  async function containers(service?: string): Promise<Container[]> {
    const filter = service ? [`--filter=label=com.docker.compose.service=${service}`] : []
    const ids = await engine.run('docker', 'ps', '--all', '--quiet', ...filter)
    return JSON.parse(await engine.run('docker', 'inspect', ...ids.split('\n').filter(Boolean)))
  }
  async function first(service: string) {
    const [container] = await containers(service)
    if (!container) throw new Error(`There is no container of ${service}`)
    return container
  }
  return {
    secrets,
    port,
    compose,
    containers,
    exec: async (service, ...command) =>
      engine.run('docker', 'exec', (await first(service)).Id, ...command),
    // nats-server logs to stderr. `docker logs` would print that to its own stderr, which `run` does not return, but
    // `docker-compose logs` prints all output of containers to stdout.
    logs: (service) => compose('logs', '--no-color', service),
    async kill(service) {
      await engine.enter('kill', '-KILL', String((await first(service)).State.Pid))
    },
    async untilHealthy(service) {
      const isHealthy = async () =>
        (await containers(service)).every(({ State }) => State.Health?.Status === 'healthy')
      await vi.waitUntil(isHealthy, { timeout: 240_000, interval: 500 })
    },
    async fillDisk(service) {
      const file = join(folder, service, 'other-data')
      // With larger blocks, `dd` would stop while the disk still has space for smaller writes.
      await engine.enter('sh', '-c', `dd if=/dev/zero of=${file} bs=1k || true`)
    },
    async freeDisk(service) {
      await engine.enter('rm', join(folder, service, 'other-data'))
    },
    async makeReadOnly(service) {
      const disk = join(folder, service)
      // Without this, data that is not yet on the disk would be lost, as after a power cut.
      await engine.enter('sync', '--file-system', disk)
      await engine.enter('mount', '-o', 'remount,abort', disk)
    },
    async repairDisk(service) {
      const disk = join(folder, service)
      const { Id } = await first(service)
      await engine.run('docker', 'stop', Id)
      await engine.enter('umount', disk)
      // The exit code 1 means that e2fsck has repaired errors.
      await engine.enter('sh', '-c', `e2fsck -fy ${disk}.img || [ $? -eq 1 ]`)
      await mountImage(engine, disk)
      await engine.run('docker', 'start', Id)
    },
  }
}

/**
 * Mounts small file systems, which end with the engine. If `canFail`, those of the nats-servers are disk images,
 * because a tmpfs cannot be made to fail.
 */
async function mountDisks(engine: Engine, folder: string) {
  for (const [service, megabytes] of Object.entries(disks)) {
    const disk = join(folder, service)
    await mkdir(disk, { recursive: true })
    if (canFail && natsServers.includes(service)) await createImage(engine, disk, megabytes)
    else await engine.enter('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk)
  }
}

/** Creates an empty file system in the file `{disk}.img`, and mounts it at the folder `disk`. */
async function createImage(engine: Engine, disk: string, megabytes: number) {
  await engine.enter('truncate', '--size', `${megabytes}M`, `${disk}.img`)
  await engine.enter('mkfs.ext4', '-q', '-m', '0', `${disk}.img`)
  await mountImage(engine, disk)
  await engine.enter('rmdir', join(disk, 'lost+found'))
  // The user of the container must be able to write to the file system, as to a tmpfs.
  await engine.enter('chmod', '1777', disk)
}

async function mountImage(engine: Engine, disk: string) {
  await engine.enter('mount', '-o', 'loop,errors=remount-ro', `${disk}.img`, disk)
}

/** Starts Keycloak before the other images are built, because its start takes longest. */
async function build(compose: System['compose']) {
  const up = async (...services: string[]) => {
    await compose('up', '--detach', ...services).catch(async (error: Error) => {
      error.message += `\n${await compose('ps')}\n${await compose('logs', '--no-color', '--tail=10')}`
      throw error
    })
  }
  await compose('build', '--quiet', 'secrets', 'keycloak')
  await compose('run', '--rm', 'secrets')
  const others = compose('build', '--quiet', 'runtime', 'web')
  await Promise.all([up('keycloak', ...natsServers, 'prometheus'), others])
  await up()
}
