import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { UserId } from '#schema/ids'
import { CHAT_MESSAGES } from '#schema/streams'
import { Partitions } from '../../runtime/jetstream/partitions.ts'
import { readAddress } from '../../runtime/nats/address.ts'
import { type Disk, watchDisk } from '../../stack/disk.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, type NatsUser, startNats } from '../../stack/services/nats.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { startNatsServers } from '../support/cluster.ts'
import { type DatabaseKind, startDatabase } from '../support/servers.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { startTokenIssuer } from '../support/token-issuer.ts'
import type { Frame } from './evidence.ts'
import { createRuntimeInstance, type RuntimeInstance } from './runtime-instance.ts'
import { connectSimulatedUser, type SimulatedUser } from './simulated-user.ts'
import type { DeliveryCounts } from './user-room-view.ts'

export interface SystemUnderTest extends AsyncDisposable {
  /** The directory is deleted when the system is disposed, unless `preserveLogs` was called. */
  dir: string
  preserveLogs(): void
  /**
   * Set if `hasSmallDisk` is true: the disk of the services, and the code of `npm start` that
   * watches it.
   */
  smallDisk: { disk: SmallDisk; watch: Disk } | undefined
  /** One nats-server, or the three of a cluster. */
  servers: NatsService[]
  database: ProcessService
  runtimes: RuntimeInstance[]
  users: SimulatedUser[]
  nc: NatsConnection
  partitions: Partitions
  frames: Frame[]
  pauses: { start: number; end: number }[]
  crashes: string[]
  /** The number of answers by `{function} {code}`, such as `send forbidden`. */
  answers: Record<string, number>
  /** The message of the last error, by the same keys as in `answers`. */
  reasons: Record<string, string>
  deliveries: DeliveryCounts
}

export interface SystemOptions {
  userCount: number
  runtimeCount: number
  database: DatabaseKind
  /** Stores the data of the services on a small disk, which can be filled. Needs root. */
  hasSmallDisk?: boolean
  isCluster?: boolean
  partitionCount?: number
}

const smallDiskMegabytes = 1_500

/**
 * Lifetime of a token: longer than the longest run, but shorter than the day that `auth.callout`
 * allows.
 */
const tokenSeconds = 86_000

export async function startSystem(options: SystemOptions): Promise<SystemUnderTest> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-chaos-'))
  let hasPreservedLogs = false
  started.defer(async () => {
    if (!hasPreservedLogs) await rm(dir, { recursive: true, force: true })
  })
  const smallDisk = options.hasSmallDisk ? await startSmallDisk(dir, started) : undefined
  const servicesDir = smallDisk?.disk.dir ?? dir
  started.defer(async () => {
    if (hasPreservedLogs && smallDisk)
      await cp(join(servicesDir, 'logs'), join(dir, 'logs'), { recursive: true })
  })
  const secrets = createSecrets()
  const tokenIssuer = await startTokenIssuer()
  started.defer(() => tokenIssuer.stop())
  const servers = options.isCluster
    ? await startNatsServers({ dir: servicesDir, secrets, webOrigins: [] }, started)
    : [started.use(await startNats({ dir: servicesDir, binary: await findNatsServer(), secrets }))]
  const urlsOf = (user: NatsUser) => servers.map((server) => server.urlOf(user)).join(',')
  const database = started.use(await startDatabase(options.database, servicesDir))
  process.env.DATABASE_URL = database.url
  const env = {
    NATS_URL: urlsOf('functions'),
    NATS_AUTH_URL: urlsOf('auth'),
    NATS_REPLICAS: String(servers.length),
    NATS_PARTITIONS: String(options.partitionCount ?? 1),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    DATABASE_URL: database.url,
    OIDC_ISSUER: tokenIssuer.issuer,
    NATTER_ID_KEY: secrets.idKey,
    RATE_LIMIT_FACTOR: '1000',
  }

  const recorded = {
    frames: [] as Frame[],
    pauses: [] as SystemUnderTest['pauses'],
    crashes: [] as string[],
    answers: {} as SystemUnderTest['answers'],
    reasons: {} as SystemUnderTest['reasons'],
    deliveries: { pushed: 0, synced: 0, reloads: 0 },
  }
  const runtimes = await Promise.all(
    Array.from({ length: options.runtimeCount }, async (_, index) => {
      const service = await startRuntimeService({
        dir: servicesDir,
        env,
        name: `runtime-${index}`,
      })
      return started.use(
        createRuntimeInstance(service, {
          onCrash: (reason) => recorded.crashes.push(reason),
          onPause: (start, end) => recorded.pauses.push({ start, end }),
          waitForSpace: async () =>
            smallDisk?.watch.waitUntilWritable(new AbortController().signal),
        }),
      )
    }),
  )

  const { servers: hosts, login } = readAddress('the cluster', urlsOf('functions'))
  const nc = await connect({
    servers: [...hosts],
    ...login,
    pingInterval: 3_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  })
  started.defer(() => nc.close())
  const users: SimulatedUser[] = []
  for (let index = 0; index < options.userCount; index++) {
    const userId = `user-${index}` as UserId
    const exp = Math.floor(Date.now() / 1_000) + tokenSeconds
    const token = await tokenIssuer.token({
      preferred_username: userId,
      realm_access: { roles: ['user'] },
      exp,
    })
    const simulatedUser = await connectSimulatedUser({
      userId,
      urls: servers.map(({ url }) => url),
      token,
      timeoutMs: 4_000,
      deliveries: recorded.deliveries,
      onFrame: (frame) => recorded.frames.push(frame),
      onAnswer(name, code, reason) {
        const answer = `${name} ${code}`
        recorded.answers[answer] = (recorded.answers[answer] ?? 0) + 1
        if (reason) recorded.reasons[answer] = reason
        if (code === 'internal')
          recorded.crashes.push(
            `${userId} got ${answer}: ${reason}; the cause is in the log of a runtime`,
          )
      },
    })
    started.defer(() => simulatedUser.close())
    users.push(simulatedUser)
  }
  await untilKnown(users)
  const running = started.move()
  return {
    ...recorded,
    dir,
    preserveLogs() {
      hasPreservedLogs = true
    },
    smallDisk,
    servers,
    database,
    runtimes,
    users,
    nc,
    partitions: new Partitions(options.partitionCount ?? 1, [CHAT_MESSAGES]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function startSmallDisk(dir: string, started: AsyncDisposableStack) {
  const disk = started.use(await mountSmallDisk(join(dir, 'disk'), smallDiskMegabytes))
  const ended = new AbortController()
  started.defer(() => ended.abort())
  return { disk, watch: watchDisk(disk.dir, { log: () => {}, signal: ended.signal }) }
}

async function untilKnown(users: readonly SimulatedUser[]): Promise<void> {
  const userIds = users.map(({ userId }) => userId)
  for (;;) {
    const outcome = await users[0]?.call('users.names', { userIds })
    if (outcome?.ok && outcome.value.users.length === users.length) return
    await delay(50)
  }
}
