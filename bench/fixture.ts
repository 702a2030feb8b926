import type { NatsConnection } from '@nats-io/nats-core'
import { createRequester, type Requester } from '../runtime/client/index.ts'
import { findNatsServer } from '../stack/install/nats-server.ts'
import { createSecrets, type Secrets } from '../stack/secrets.ts'
import { type NatsService, startNats } from '../stack/services/nats.ts'
import { startRuntimeService } from '../stack/services/runtime.ts'
import type { ProcessService } from '../stack/services/service.ts'
import { cleanUpOnExit, createFolder } from './cleanup.ts'
import { connectTo } from './connect.ts'
import { startWorker, type Worker } from './worker.ts'

export interface BenchFixture extends AsyncDisposable {
  dir: string
  nats: NatsService
  secrets: Secrets
  /** URL of the NATS server, with the credentials of the account that functions use. */
  url: string
  serve(folders: string | string[], env?: Record<string, string>): Promise<ProcessService>
  startWorker(module: URL, args?: string[]): Promise<Worker>
  connect(): Promise<BenchConnection>
}

export interface BenchConnection {
  nc: NatsConnection
  requester: Requester
  /** Returns the processor time of the runtime that serves `bench.cpu`, in microseconds. */
  readCpu(): Promise<number>
}

/**
 * For functions that use no database in a benchmark: DATABASE_URL is set, but no server listens
 * there.
 */
export const withoutDatabase = { DATABASE_URL: 'postgres://bench@127.0.0.1:1/bench' }

export async function startFixture(): Promise<BenchFixture> {
  await using started = new AsyncDisposableStack()
  const dir = await createFolder(started)
  const secrets = createSecrets()
  const binary = await findNatsServer({ log: console.error })
  const addProcess = cleanUpOnExit(started, [dir])
  const onSpawn = (_name: string, pid: number) => addProcess(pid)
  const nats = started.use(await startNats({ dir, binary, secrets, onSpawn }))
  const url = nats.urlOf('functions')

  const stack = started.move()
  return {
    dir,
    nats,
    secrets,
    url,
    async serve(folders, env = {}) {
      const settings = {
        NATS_URL: url,
        NATS_AUTH_URL: nats.urlOf('auth'),
        NATS_CALLOUT_SEED: secrets.calloutSeed,
        NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
        NATTER_ID_KEY: secrets.idKey,
        ...env,
      }
      return stack.use(
        await startRuntimeService({ dir, folders: [folders].flat(), env: settings, onSpawn }),
      )
    },
    startWorker: async (module, args) => stack.use(await startWorker(module, args)),
    async connect() {
      const nc = await connectTo(url, 'bench')
      stack.defer(() => nc.close())
      const requester = createRequester(nc)
      return {
        nc,
        requester,
        async readCpu() {
          const reply = await requester.request('bench.cpu', '{}', { timeoutMs: 30_000 })
          return reply.json<{ cpu: number }>().cpu
        },
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
