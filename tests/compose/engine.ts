import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDir } from '../../stack/install/cache.ts'
import { output } from '../../stack/install/command.ts'
import { waitForLock } from '../../stack/lock.ts'
import { startProcess } from '../../stack/services/process.ts'

export interface Engine extends AsyncDisposable {
  /** Runs `docker` or `docker-compose` with this engine, and returns its stdout. */
  run(command: 'docker' | 'docker-compose', ...args: string[]): Promise<string>
  /** Runs a command in the namespaces of the engine, where the process ids of `docker inspect` are valid. */
  enter(command: string, ...args: string[]): Promise<string>
  /** A folder that is deleted when the engine is disposed. */
  dir: string
}

const networks = '10.201'
/** Timeout of a command: on a loaded machine, the first start of Keycloak alone took nine minutes. */
const maxCommandMs = 1_100_000

/**
 * Starts a container engine for this run only. Its images, and the layers of its builds, stay in the cache for the next
 * run. It does not touch the packet filter of the machine, so its containers reach each other and the machine,
 * but nothing else.
 */
export async function startEngine(): Promise<Engine> {
  await using owned = new AsyncDisposableStack()
  const data = join(cacheDir(process.env), 'compose-engine')
  const onWait = () => console.log(`waiting for another process that uses ${data}`)
  owned.use(await waitForLock(`${data}.lock`, onWait))
  const dir = await mkdtemp(join(tmpdir(), 'natter-engine-'))
  owned.defer(() => rm(dir, { recursive: true, force: true }))
  for (const remove of [() => removeLeftovers(data), removeUnusedBridges]) {
    await remove()
    owned.defer(remove)
  }
  const socket = `unix://${join(dir, 'docker.sock')}`
  const { pid } = owned.use(
    await startProcess({
      dir,
      name: 'dockerd',
      // unshare ignores SIGTERM, and the engine needs no clean stop: only its images are used later.
      stopSignal: 'SIGKILL',
      command: () => ({
        // The engine gets its own namespaces, so all containers and mounts end with it, even if it is killed. The
        // kernel kills it when this process ends.
        file: 'setpriv',
        args: [
          '--pdeathsig=KILL',
          'unshare',
          '--pid',
          '--fork',
          '--kill-child',
          '--mount-proc',
          'dockerd',
          ...flags(dir, { data, socket }),
        ],
        env: process.env,
      }),
      async ready(log, from, signal) {
        await log.line(/API listen on /, { from, signal, within: 60_000 })
        return socket
      },
    }),
  )
  const env = { ...process.env, DOCKER_HOST: socket, DOCKER_BUILDKIT: '0' }
  const dockerd = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const engine = owned.move()
  return {
    dir,
    run: (command, ...args) => output(command, args, { env, within: maxCommandMs }),
    enter: (...command) => output('nsenter', ['-t', dockerd, '--pid', '--mount', ...command]),
    [Symbol.asyncDispose]: () => engine.disposeAsync(),
  }
}

function flags(dir: string, { data, socket }: { data: string; socket: string }) {
  return [
    `--data-root=${data}`,
    `--exec-root=${join(dir, 'exec')}`,
    `--pidfile=${join(dir, 'pid')}`,
    `--host=${socket}`,
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
    '--bridge=none',
    `--default-address-pool=base=${networks}.0.0/16,size=24`,
  ]
}

/** Removes the containers, volumes and networks of an engine that has ended, but not its images. */
async function removeLeftovers(data: string) {
  for (const folder of ['containers', 'volumes', 'network', 'image/overlay2/layerdb/mounts'])
    await rm(join(data, folder), { recursive: true, force: true })
}

/**
 * Removes the network bridges that an engine has left: they belong to the network namespace of the machine, so they do
 * not end with the engine.
 */
async function removeUnusedBridges() {
  const links: { ifname: string; addr_info: { local: string }[] }[] = JSON.parse(
    await output('ip', ['-json', '-4', 'address']),
  )
  for (const { ifname, addr_info } of links) {
    const isOurs = addr_info.some(({ local }) => local.startsWith(`${networks}.`))
    const isUsed = isOurs && readdirSync(`/sys/class/net/${ifname}/brif`).length > 0
    if (isOurs && !isUsed) await output('ip', ['link', 'del', ifname])
  }
}
