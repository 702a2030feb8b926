/** The servers a section stands on: the project's own, in a new folder. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findNatsServer } from '../stack/install/nats-server.ts'
import { createSecrets, type Secrets } from '../stack/secrets.ts'
import { type NatsService, startNats } from '../stack/services/nats.ts'
import { startRuntimeService } from '../stack/services/runtime.ts'
import type { ProcessService } from '../stack/services/service.ts'

export interface BenchFixture extends AsyncDisposable {
  dir: string
  nats: NatsService
  secrets: Secrets
  /** Serves a folder of functions until it is stopped, or the ground is. */
  serve(folder: string, env?: Record<string, string>): Promise<ProcessService>
  /** What is disposed of with the ground, before its server. */
  use<T extends AsyncDisposable>(thing: T): T
}

/** Starts a nats-server with the project's nats.conf. */
export async function startFixture(): Promise<BenchFixture> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-bench-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const secrets = createSecrets()
  const binary = await findNatsServer({ log: console.error })
  const onSpawn = killOnExit(dir, started)
  const nats = started.use(await startNats({ dir, binary, secrets, onSpawn }))

  const running = started.move()
  return {
    dir,
    nats,
    secrets,
    async serve(functions, env = {}) {
      const settings = {
        NATS_URL: nats.urlOf('functions'),
        NATS_AUTH_URL: nats.urlOf('auth'),
        NATS_CALLOUT_SEED: secrets.calloutSeed,
        NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
        NATTER_ID_KEY: secrets.idKey,
        ...env,
      }
      return running.use(await startRuntimeService({ dir, functions, env: settings, onSpawn }))
    },
    use: (thing) => running.use(thing),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A bench that is interrupted, or fails, leaves nothing behind: no process, no folder. */
function killOnExit(dir: string, started: AsyncDisposableStack) {
  const pids: number[] = []
  const clear = () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(dir, { recursive: true, force: true })
  }
  process.on('exit', clear)
  started.defer(() => void process.off('exit', clear))
  return (_name: string, pid: number) => void pids.push(pid)
}
