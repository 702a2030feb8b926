import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { UserId } from '#schema/ids'
import { type NatsPart, startNats } from '../../stack/parts/nats.ts'
import type { ProcessPart } from '../../stack/parts/part.ts'
import { startRuntime } from '../../stack/parts/runtime.ts'
import { findNatsServer } from '../../stack/provision/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type DatabaseKind, startDatabase } from '../servers.ts'
import { startTokenMaker } from '../token-maker.ts'
import { connectPerson, type Person } from './person.ts'

/** Everything that runs, and everybody who uses it. */
export interface World extends AsyncDisposable {
  /** Where its logs are: gone with it, unless somebody wants to read them. */
  dir: string
  keepLogs(): void
  nats: NatsPart
  database: ProcessPart
  runtimes: ProcessPart[]
  people: Person[]
  /** As the functions see NATS. */
  nc: NatsConnection
}

export interface WorldOptions {
  people: number
  runtimes: number
  database: DatabaseKind
  count: (what: string) => void
}

/** Starts it all in processes of its own: the real server, a real database, several runtimes. */
export async function startWorld({
  people,
  runtimes,
  database,
  count,
}: WorldOptions): Promise<World> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-chaos-'))
  let keepsLogs = false
  started.defer(async () => {
    if (!keepsLogs) await rm(dir, { recursive: true, force: true })
  })
  const secrets = createSecrets()
  const maker = await startTokenMaker()
  started.defer(() => maker.stop())
  const nats = started.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const db = started.use(await startDatabase(database, dir))
  process.env.DATABASE_URL = db.url
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    DATABASE_URL: db.url,
    OIDC_ISSUER: maker.issuer,
    NATTER_ID_KEY: secrets.idKey,
    RATE_LIMIT_FACTOR: '1000',
  }
  const instances: ProcessPart[] = []
  for (let at = 0; at < runtimes; at++)
    instances.push(started.use(await startRuntime({ dir, env, name: `runtime-${at}` })))

  const { username, password, host } = new URL(nats.urlOf('functions'))
  const nc = await connect({
    servers: host,
    user: username,
    pass: password,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  })
  started.defer(() => nc.close())
  const all: Person[] = []
  for (let at = 0; at < people; at++) {
    const user = `user-${at}` as UserId
    const now = Math.floor(Date.now() / 1_000)
    const claims = {
      preferred_username: user,
      realm_access: { roles: ['user'] },
      exp: now + 43_200,
    }
    const token = await maker.token(claims)
    const person = await connectPerson({ user, url: nats.url, token, count })
    started.defer(() => person.close())
    all.push(person)
  }
  const running = started.move()
  return {
    dir,
    keepLogs() {
      keepsLogs = true
    },
    nats,
    database: db,
    runtimes: instances,
    people: all,
    nc,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
