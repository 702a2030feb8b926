import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { UserId } from '#schema/ids'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from '../support/servers.ts'
import { startTokenIssuer } from '../support/token-issuer.ts'
import type { Frame } from './evidence.ts'
import { createInstance, type Instance } from './instance.ts'
import { connectPerson, type Person } from './person.ts'
import type { Ways } from './view.ts'

/** Everything that runs, and everybody who uses it. */
export interface World extends AsyncDisposable {
  /** Where its logs are: gone with it, unless somebody wants to read them. */
  dir: string
  keepLogs(): void
  nats: NatsService
  database: ProcessService
  runtimes: Instance[]
  people: Person[]
  /** As the functions see NATS. */
  nc: NatsConnection
  frames: Frame[]
  pauses: { start: number; end: number }[]
  crashes: string[]
  /** How often what was answered: `send ok`, `send forbidden`. */
  answers: Record<string, number>
  ways: Ways
}

export interface WorldOptions {
  people: number
  runtimes: number
  database: DatabaseKind
}

/** Long enough that none ends during the longest run; a day is the longest that is let in. */
const tokenSeconds = 86_000

/** Starts it all in processes of its own: the real server, a real database, several runtimes. */
export async function startWorld(options: WorldOptions): Promise<World> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-chaos-'))
  let keepsLogs = false
  started.defer(async () => {
    if (!keepsLogs) await rm(dir, { recursive: true, force: true })
  })
  const secrets = createSecrets()
  const maker = await startTokenIssuer()
  started.defer(() => maker.stop())
  const nats = started.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const database = started.use(await startDatabase(options.database, dir))
  process.env.DATABASE_URL = database.url
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    DATABASE_URL: database.url,
    OIDC_ISSUER: maker.issuer,
    NATTER_ID_KEY: secrets.idKey,
    // Few people do what many would.
    RATE_LIMIT_FACTOR: '1000',
  }

  const kept = {
    frames: [] as Frame[],
    pauses: [] as World['pauses'],
    crashes: [] as string[],
    answers: {} as World['answers'],
    ways: { heard: 0, synced: 0, rereads: 0 },
  }
  const runtimes = await Promise.all(
    Array.from({ length: options.runtimes }, async (_, at) => {
      const part = await startRuntimeService({ dir, env, name: `runtime-${at}` })
      return started.use(
        createInstance(
          part,
          (how) => kept.crashes.push(how),
          (start, end) => kept.pauses.push({ start, end }),
        ),
      )
    }),
  )

  const { username, password, host } = new URL(nats.urlOf('functions'))
  const nc = await connect({
    servers: host,
    user: username,
    pass: password,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  })
  started.defer(() => nc.close())
  const people: Person[] = []
  for (let at = 0; at < options.people; at++) {
    const user = `user-${at}` as UserId
    const exp = Math.floor(Date.now() / 1_000) + tokenSeconds
    const token = await maker.token({
      preferred_username: user,
      realm_access: { roles: ['user'] },
      exp,
    })
    const person = await connectPerson({
      user,
      url: nats.url,
      token,
      patienceMs: 4_000,
      ways: kept.ways,
      keep: (frame) => kept.frames.push(frame),
      count(name, code, reason) {
        const what = `${name} ${code}`
        kept.answers[what] = (kept.answers[what] ?? 0) + 1
        // Why, is in the log of the runtime.
        if (code === 'internal') kept.crashes.push(`${user} was answered ${what}: ${reason}`)
      },
    })
    started.defer(() => person.close())
    people.push(person)
  }
  await untilSeen(people)
  const running = started.move()
  return {
    ...kept,
    dir,
    keepLogs() {
      keepsLogs = true
    },
    nats,
    database,
    runtimes,
    people,
    nc,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Nobody can be asked in before the functions know that they have been here. */
async function untilSeen(people: readonly Person[]): Promise<void> {
  const userIds = people.map(({ user }) => user)
  for (;;) {
    const outcome = await people[0]?.ask('users.names', { userIds })
    if (outcome?.ok && outcome.value.users.length === people.length) return
    await delay(50)
  }
}
